// What a crash between two steps leaves, and what becomes of it.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>

#include "tests/unit/fs/fetch_kit.h"

namespace neffs::test {
namespace {

class RecoveryTest : public FetcherTest {
 protected:
  index::LayerFile intent(const std::string& path) const {
    index::LayerFile row;
    row.path = path;
    row.placement = Placement::kIntended;
    row.source = kSource.text();
    row.commit = commit_;
    row.content = content_of(files_.at(path)).text();
    row.size = files_.at(path).size();
    row.mtime_ns = kModified * 1'000'000'000;
    return row;
  }
  void put(const std::string& path, const std::string& bytes, bool with_time) const {
    write_file(layer_ / path, bytes);
    const struct timespec times[2] = {{kModified, 0}, {kModified, 0}};
    if (with_time) {
      ASSERT_EQ(::utimensat(AT_FDCWD, (layer_ / path).c_str(), times, 0), 0);
    }
  }
};

TEST_F(RecoveryTest, AnIntentWithoutAFileIsForgotten) {
  rig_->index->intend_copy(intent(neff_));
  rig_->fetcher->placer().recover();
  EXPECT_EQ(state_of(neff_), "none");
}

TEST_F(RecoveryTest, AFileThatGotItsNameIsACopy) {
  put(neff_, files_[neff_], true);
  rig_->index->intend_copy(intent(neff_));
  rig_->fetcher->placer().recover();
  EXPECT_EQ(state_of(neff_), "copy placed");
}

TEST_F(RecoveryTest, ALocalFileNeverBecomesACopy) {
  std::string same_size(files_[neff_].size(), 'm');
  struct Row {
    std::string bytes;
    bool with_time;
  };
  for (const auto& row : {Row{"mine", true}, Row{same_size, true}, Row{files_[neff_], false}}) {
    put(neff_, row.bytes, row.with_time);
    rig_->index->intend_copy(intent(neff_));
    rig_->fetcher->placer().recover();
    EXPECT_EQ(state_of(neff_), "none");
    EXPECT_EQ(local(neff_), row.bytes);
  }
  std::filesystem::remove(layer_ / neff_);
  std::filesystem::create_directory(layer_ / neff_);
  rig_->index->intend_copy(intent(neff_));
  rig_->fetcher->placer().recover();
  EXPECT_EQ(state_of(neff_), "none");
}

TEST_F(RecoveryTest, WhatIsPlacedOrOursIsLeftAlone) {
  put(neff_, "mine", false);
  rig_->index->mark_ours(neff_);
  fetch("README.md");
  rig_->fetcher->placer().recover();
  EXPECT_EQ(state_of(neff_), "ours placed");
  EXPECT_EQ(state_of("README.md"), "copy placed");
}

TEST_F(RecoveryTest, AnIndexThatCannotBeReadIsNotTheEnd) {
  put(neff_, files_[neff_], true);
  rig_->index->intend_copy(intent(neff_));
  const auto index = open_database();
  index->run_script("ALTER TABLE layer_files RENAME TO lost");
  EXPECT_NO_THROW(rig_->fetcher->placer().recover());
  index->run_script("ALTER TABLE lost RENAME TO layer_files");
  EXPECT_EQ(state_of(neff_), "copy intended");
  rig_->fetcher->placer().recover();
  EXPECT_EQ(state_of(neff_), "copy placed");
}

// The child dies as by kill -9 at a step; what it leaves must be a valid cache for the next life.
TEST_F(RecoveryTest, AKillAtAnyStepLeavesAValidCache) {
  rig_.reset();
  struct Step {
    const char* name;
    std::function<void(FetchRig&, FakeRepo&)> arm;
  };
  const auto die = [] { ::kill(::getpid(), SIGKILL); };
  const std::vector<Step> steps = {
      {"while downloading",
       [&](FetchRig&, FakeRepo& repo) { repo.on_call([&](const Call&) { die(); }); }},
      {"before the neff has its name",
       [&](FetchRig& rig, FakeRepo&) {
         rig.before_name = [&](const std::string& path, fs::LayerId) {
           if (path == neff_) die();
         };
       }},
      {"before the mark has its name",
       [&](FetchRig& rig, FakeRepo&) {
         rig.before_name = [&](const std::string& path, fs::LayerId) {
           if (path == done_) die();
         };
       }},
      {"after everything", [](FetchRig&, FakeRepo&) {}},
  };
  for (const auto& step : steps) {
    SCOPED_TRACE(step.name);
    std::filesystem::remove_all(layer_ / kVersion);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      rig_ = std::make_unique<FetchRig>(layer_, state_);
      step.arm(*rig_, repo_);
      start(done_);
      start(neff_);
      rig_->pool->drain();
      die();
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
    renew();
    rig_->fetcher->placer().recover();
    EXPECT_TRUE(rig_->index->intended_copies().empty());
    EXPECT_TRUE(!exists(done_) || exists(neff_));
    for (const auto& path : {done_, neff_}) {
      EXPECT_EQ(state_of(path), exists(path) ? "copy placed" : "none") << path;
      EXPECT_EQ(local(path), exists(path) ? files_[path] : "");
    }
    fetch(done_);
    fetch(neff_);
    EXPECT_TRUE(exists(done_));
    rig_->index->forget_file(done_);
    rig_->index->forget_file(neff_);
    rig_.reset();
  }
}

}  // namespace
}  // namespace neffs::test
