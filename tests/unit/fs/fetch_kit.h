// A fetcher over a repo in memory, and what its tests ask of it.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "fs/fetcher.h"
#include "index/database.h"
#include "tests/unit/fs/fs_kit.h"

namespace neffs::test {

using fs::FetchedFile;
using fs::Fetcher;
using fs::FetchOrder;
using fs::Urgency;
using hub::HubErrorKind;
using index::Origin;
using index::Placement;

inline constexpr std::int64_t kModified = 1'700'000'000;

// Everything a fetcher needs, over directories that outlive it.
struct FetchRig {
  FetchRig(const TempDirectory& layer_directory, const TempDirectory& state,
           std::size_t threads = 4)
      : layer(layer_directory.open()),
        index(open_index(state.path())),
        pool(std::make_unique<fs::WorkerPool>("fetch", threads)) {
    std::filesystem::remove_all(state / "partial");
    std::filesystem::create_directory(state / "partial");
    fs::UniqueFd partial(::open((state / "partial").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    fs::FetchOptions options;
    options.uid = ::geteuid();
    options.gid = ::getegid();
    const auto name_is_given = [this](const std::string& path, fs::LayerId id,
                                      const hub::ContentId&) {
      if (before_name) before_name(path, id);
    };
    const auto is_wanted = [this](const std::string& path) { return !deleted.contains(path); };
    const auto hold = [this] { return std::unique_lock(naming); };
    fetcher = std::make_unique<Fetcher>(layer, std::move(partial), *index, *pool, options,
                                        fs::NamingRules{is_wanted, hold, name_is_given});
  }
  ~FetchRig() { end(); }
  FetchRig(const FetchRig&) = delete;
  FetchRig& operator=(const FetchRig&) = delete;

  void end() {
    fetcher->stop();
    pool.reset();
  }

  fs::Layer layer;
  std::unique_ptr<index::Index> index;
  std::unique_ptr<fs::WorkerPool> pool;
  std::function<void(const std::string&, fs::LayerId)> before_name;
  std::mutex naming;
  std::set<std::string> deleted;  // before anything is fetched
  std::unique_ptr<Fetcher> fetcher;
};

inline FetchOrder order_of(const FakeRepo::Files& files, const std::string& commit,
                           const std::string& path) {
  FetchOrder order;
  order.source = kSource.text();
  order.path = path;
  order.size = files.at(path).size();
  order.content = content_of(files.at(path));
  order.commit = commit;
  order.mtime_s = kModified;
  const auto at = fs::locate(path);
  if (at.place != fs::Place::kInsideModule) return order;
  order.module = std::string(at.module);
  std::vector<index::TreeEntry> rows;
  for (const auto& [name, bytes] : files)
    if (name.starts_with(order.module + "/"))
      rows.push_back({name.substr(order.module.size() + 1), false, "oid", bytes.size(),
                      content_of(bytes).text()});
  order.listing = std::make_shared<fs::ModuleListing>(fs::show_module(at.module, rows));
  return order;
}

class FetcherTest : public testing::Test {
 protected:
  struct Outcome {
    std::atomic<int> calls{0};
    std::shared_ptr<const FetchedFile> file;
    std::exception_ptr error;

    std::optional<HubErrorKind> kind() const {
      try {
        if (error) std::rethrow_exception(error);
      } catch (const hub::HubError& hub_error) {
        return hub_error.kind;
      } catch (const std::exception&) {
      }
      return std::nullopt;
    }
  };

  FetcherTest() : files_(module_files(kModuleA)) {
    files_["README.md"] = "hello";
    for (const auto* name : {"config.json", "unet/model.neuron", "vae/model.neuron"})
      files_[kTraced + "/" + name] = std::string("traced ") + name;
    commit_ = repo_.commit(files_);
    renew();
  }

  ~FetcherTest() override { repo_.release(); }

  void renew(std::size_t threads = 4) {
    rig_.reset();
    rig_ = std::make_unique<FetchRig>(layer_, state_, threads);
  }

  std::shared_ptr<Outcome> start(const std::string& path, Urgency urgency = Urgency::kDemand) {
    return start(order_of(files_, commit_, path), urgency);
  }
  std::shared_ptr<Outcome> start(FetchOrder order, Urgency urgency = Urgency::kDemand) {
    auto outcome = std::make_shared<Outcome>();
    if (order.repo == nullptr) order.repo = &repo_;
    rig_->fetcher->fetch(std::move(order), urgency, [outcome](const auto& file, const auto& error) {
      outcome->file = file;
      outcome->error = error;
      ++outcome->calls;
    });
    return outcome;
  }
  std::shared_ptr<Outcome> fetch(const std::string& path) {
    auto outcome = start(path);
    EXPECT_TRUE(eventually([&] { return outcome->calls > 0; }));
    rig_->pool->drain();
    EXPECT_EQ(outcome->calls, 1);
    return outcome;
  }

  std::string local(const std::string& path) const { return read_file(layer_ / path); }
  bool exists(const std::string& path) const { return rig_->layer.stat(path).has_value(); }
  std::string state_of(const std::string& path) const {
    const auto row = rig_->index->layer_file(path);
    if (!row) return "none";
    const std::string origin = row->origin == Origin::kOurs ? "ours" : "copy";
    return origin + (row->placement == Placement::kIntended ? " intended" : " placed");
  }
  // The index's own file, to spoil it.
  std::unique_ptr<index::Database> open_database() const {
    return std::make_unique<index::Database>(state_ / "index.sqlite",
                                             index::Database::Access::kWrite);
  }
  std::size_t partial_files() const { return tree_of(state_ / "partial").size(); }

  TempDirectory layer_;
  TempDirectory state_;
  FakeRepo repo_;
  FakeRepo::Files files_;
  std::string commit_;
  std::unique_ptr<FetchRig> rig_;
  const std::string neff_ = kModuleA + "/model.neff";
  const std::string done_ = kModuleA + "/model.done";
  const std::vector<std::string> traced_ = {
      kTraced + "/config.json", kTraced + "/unet/model.neuron", kTraced + "/vae/model.neuron"};
};

}  // namespace neffs::test
