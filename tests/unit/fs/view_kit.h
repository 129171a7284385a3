// A view of a repo in memory, and an index that outlives it.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "fs/remote_view.h"
#include "fs/worker_pool.h"
#include "tests/unit/fs/fs_kit.h"

namespace neffs::test {

class RemoteViewTest : public testing::Test {
 protected:
  RemoteViewTest() : index_(open_index(directory_.path())) {
    repo_.commit(module_files(kModuleA) + FakeRepo::Files{{"README.md", "hello"}});
    renew();
  }
  ~RemoteViewTest() override {
    repo_.release();
    pool_.reset();
  }

  // Another life over the same index.
  void renew() {
    pool_.reset();
    view_.reset();
    pool_ = std::make_unique<fs::WorkerPool>("ask", 4);
    view_ = std::make_unique<fs::RemoteView>(kSource, repo_, *index_, *pool_);
  }

  std::exception_ptr ask(const std::string& path) {
    std::exception_ptr result;
    wait([&](fs::RemoteView::Done done) { view_->ask(path, std::move(done)); }, result);
    return result;
  }
  std::exception_ptr ask_children(const std::string& path, bool judged) {
    std::exception_ptr result;
    wait([&](fs::RemoteView::Done done) { view_->ask_children(path, judged, std::move(done)); },
         result);
    return result;
  }
  // As a look-up does it.
  fs::RemoteName::Kind look_up(const std::string& path) {
    if (!view_->peek(path)) ask(path);
    const auto name = view_->peek(path);
    if (!name) throw std::runtime_error("unknown: " + path);
    return name->kind;
  }
  std::exception_ptr ask_head() {
    std::exception_ptr result;
    wait([&](fs::RemoteView::Done done) { view_->ask_head(std::move(done)); }, result);
    return result;
  }
  static std::optional<hub::HubErrorKind> kind_of(const std::exception_ptr& error) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const hub::HubError& hub_error) {
      return hub_error.kind;
    }
    return std::nullopt;
  }
  // Until the view asks again after a failure.
  bool recovers(const std::string& path) {
    return eventually([&] { return view_->peek(path).has_value() || !ask(path); });
  }

  TempDirectory directory_;
  FakeRepo repo_;
  std::unique_ptr<index::Index> index_;
  std::unique_ptr<fs::WorkerPool> pool_;
  std::unique_ptr<fs::RemoteView> view_;

 private:
  void wait(const std::function<void(fs::RemoteView::Done)>& start, std::exception_ptr& result) {
    struct State {
      std::atomic<int> calls{0};
      std::exception_ptr error;
    };
    const auto state = std::make_shared<State>();
    start([state](const std::exception_ptr& error) {
      state->error = error;
      ++state->calls;
    });
    ASSERT_TRUE(eventually([&] { return state->calls > 0; }));
    pool_->drain();
    EXPECT_EQ(state->calls, 1);
    result = state->error;
  }
};

}  // namespace neffs::test
