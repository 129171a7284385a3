// What is removed, kept and adopted in the layer, and when.
#include "fs/housekeeper.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>

#include "index/database.h"
#include "tests/unit/fs/made_up_proc.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;
using fs::KeepOptions;
using fs::Life;
using fs::StaleLocks;
using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kLockA = kModuleA + "/model.hlo_module.pb.lock";
const std::string kLockB = kModuleB + "/model.hlo_module.pb.lock";
constexpr fs::Caller kAda{.uid = 1, .gid = 1, .thread = 42};

TEST(KeepPolicy, WhichLocksGo) {
  struct Row {
    Life life;
    bool reboot;
    bool keep;
    bool clear;
  };
  const Row rows[] = {{Life::kAlive, false, false, false},
                      {Life::kUnknown, false, false, false},
                      {Life::kGone, false, false, true},
                      {Life::kEarlierBoot, true, false, true}};
  for (const auto& row : rows) {
    EXPECT_EQ(may_remove(StaleLocks::kReboot, row.life), row.reboot) << name_of(row.life);
    EXPECT_EQ(may_remove(StaleLocks::kKeep, row.life), row.keep) << name_of(row.life);
    EXPECT_EQ(may_remove(StaleLocks::kClear, row.life), row.clear) << name_of(row.life);
  }
}

TEST(KeepPolicy, HowLongAFailureIsKept) {
  const std::chrono::system_clock::time_point now{seconds(1000)};
  EXPECT_EQ(fs::time_left(now, milliseconds(1500), now), milliseconds(1500));
  EXPECT_EQ(fs::time_left(now - seconds(10), seconds(10), now), milliseconds(0));
  EXPECT_LT(fs::time_left(now - seconds(100), seconds(10), now), milliseconds(0));
  EXPECT_EQ(fs::time_left(now + seconds(100), seconds(10), now), seconds(110))
      << "a clock that was set back";
}

class HousekeeperTest : public ::testing::Test {
 protected:
  HousekeeperTest() { proc_.add({.id = 42, .started = 777}); }

  void start(KeepOptions options = {}) {
    keeper_ = std::make_unique<fs::Housekeeper>(
        layer_, *index_, fs::ProcessTable(proc_.path()), options,
        [this](const std::string& path, fs::LayerId id) { return remove(path, id); });
    keeper_->start();
  }
  bool remove(const std::string& path, fs::LayerId id) {
    const auto st = layer_.stat(path);
    if (before_remove_) before_remove_(path);
    {
      const std::lock_guard lock(mutex_);
      ++asked_[path];
      if (open_.contains(path)) return false;
    }
    return st && fs::layer_id(*st) == id && stdfs::remove(directory_ / path);
  }
  int asked(const std::string& path) {
    const std::lock_guard lock(mutex_);
    return asked_[path];
  }
  void set_open(const std::string& path, bool is_open) {
    const std::lock_guard lock(mutex_);
    is_open ? void(open_.insert(path)) : void(open_.erase(path));
  }
  void write(const std::string& path, const std::string& text = "x") {
    stdfs::create_directories((directory_ / path).parent_path());
    write_file(directory_ / path, text);
    if (keeper_) keeper_->changed(path);
  }
  void make_lock(const std::string& path) {
    write(path, "");
    keeper_->lock_made(path, kAda);
  }
  // As an earlier life of the daemon left it.
  void leave_lock(const std::string& path, const std::string& boot) {
    write(path, "");
    const auto st = layer_.stat(path);
    index_->put_lock({path, 42, 777, boot, MadeUpProc::kNamespace, st->st_mtim.tv_sec});
  }
  void write_module(const std::string& module) {
    for (const auto& [path, bytes] : module_files(module)) write(path, bytes);
  }
  bool is_there(const std::string& path) const { return layer_.stat(path).has_value(); }
  void set_age(const std::string& path, seconds age) const {
    timespec times[2]{};
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_sec = ::time(nullptr) - age.count();
    ASSERT_EQ(::utimensat(AT_FDCWD, (directory_ / path).c_str(), times, 0), 0);
  }
  // Everything that was waiting has been looked at.
  bool settles() {
    return eventually([this] { return keeper_->is_counted(); });
  }

  MadeUpProc proc_;
  TempDirectory directory_;
  std::unique_ptr<index::Index> index_ = open_index(directory_.path());
  const fs::Layer layer_{directory_.open()};
  std::function<void(const std::string&)> before_remove_;  // by the housekeeper's thread
  std::mutex mutex_;
  std::map<std::string, int> asked_;
  std::set<std::string> open_;
  std::unique_ptr<fs::Housekeeper> keeper_;  // last: its thread removes
};

TEST_F(HousekeeperTest, RebootRemovesWhatAnEarlierBootLeft) {
  leave_lock(kLockA, "the last boot");
  leave_lock(kLockB, MadeUpProc::kBoot);
  proc_.remove("42");
  start();
  EXPECT_TRUE(eventually([&] { return !is_there(kLockA); }));
  ASSERT_TRUE(settles());
  EXPECT_TRUE(is_there(kLockB)) << "gone, but in this boot";
  ASSERT_EQ(keeper_->locks().size(), 1U);
  EXPECT_EQ(keeper_->locks().at(0).life, Life::kGone);
}

TEST_F(HousekeeperTest, KeepRemovesNothing) {
  leave_lock(kLockA, "the last boot");
  start({.stale_locks = StaleLocks::kKeep});
  ASSERT_TRUE(settles());
  EXPECT_TRUE(is_there(kLockA));
  EXPECT_EQ(asked(kLockA), 0);
}

TEST_F(HousekeeperTest, ClearRemovesWhatTheDeadLeft) {
  start({.stale_locks = StaleLocks::kClear});
  make_lock(kLockA);
  write(kLockB, "");
  keeper_->lock_made(kLockB, {.uid = 1, .gid = 1, .thread = 0});
  EXPECT_EQ(keeper_->locks().at(0).life, Life::kAlive);
  proc_.remove("42");
  EXPECT_TRUE(eventually([&] { return !is_there(kLockA); }));
  EXPECT_TRUE(is_there(kLockB)) << "it cannot be told who made it";
  EXPECT_EQ(asked(kLockB), 0);
  EXPECT_TRUE(eventually([&] { return index_->locks().empty(); }));
}

TEST_F(HousekeeperTest, AnOpenLockIsTriedAgain) {
  set_open(kLockA, true);
  leave_lock(kLockA, "the last boot");
  start();
  ASSERT_TRUE(eventually([&] { return asked(kLockA) >= 1; }));
  EXPECT_TRUE(is_there(kLockA));
  set_open(kLockA, false);
  EXPECT_TRUE(eventually([&] { return !is_there(kLockA); }));
}

TEST_F(HousekeeperTest, ClearingOnDemandNamesWhatItDid) {
  start({.stale_locks = StaleLocks::kKeep});
  make_lock(kLockA);
  EXPECT_TRUE(keeper_->clear_stale_locks().removed.empty());
  make_lock(kLockB);
  proc_.remove("42");
  set_open(kLockB, true);
  const auto cleared = keeper_->clear_stale_locks();
  ASSERT_EQ(cleared.removed.size(), 1U);
  EXPECT_EQ(cleared.removed[0].record.path, kLockA);
  ASSERT_EQ(cleared.in_use.size(), 1U);
  EXPECT_EQ(cleared.in_use[0].record.path, kLockB);
  EXPECT_FALSE(is_there(kLockA));
  EXPECT_TRUE(is_there(kLockB));
  keeper_->stop();
  EXPECT_THROW(keeper_->clear_stale_locks(), std::runtime_error);
}

TEST_F(HousekeeperTest, FailuresExpireByTheirLog) {
  const auto log = kModuleA + "/model.log";
  write(log, "Failed compilation");
  set_age(log, seconds(100));
  write(kModuleB + "/model.log", "Failed a moment ago");
  start({.failures = seconds(60)});
  EXPECT_TRUE(eventually([&] { return !is_there(log); }));
  EXPECT_TRUE(eventually([&] { return keeper_->failures().size() == 1; }));
  EXPECT_EQ(keeper_->failures().at(0).path, kModuleB);
  EXPECT_EQ(keeper_->failures().at(0).failure.text, "Failed a moment ago");
  set_age(kModuleB + "/model.log", seconds(60));
  keeper_->changed(kModuleB + "/model.log");
  EXPECT_TRUE(eventually([&] { return keeper_->failures().empty(); }));
  EXPECT_FALSE(is_there(kModuleB + "/model.log"));
  EXPECT_TRUE(is_there(kModuleB));
}

TEST_F(HousekeeperTest, AFailureInTheMakingAgainStays) {
  const auto log = kModuleA + "/model.log";
  write(log, "Failed compilation");
  set_age(log, seconds(100));
  write(kLockA, "");
  start({.failures = seconds(60)});
  ASSERT_TRUE(settles());
  EXPECT_TRUE(is_there(log));
  EXPECT_EQ(asked(log), 0);
  stdfs::remove(directory_ / kLockA);
  keeper_->changed(kLockA);
  EXPECT_TRUE(eventually([&] { return !is_there(log); }));
}

// The index fails between two modules that have expired.
TEST_F(HousekeeperTest, AnIndexThatCannotBeReadIsNotTheEnd) {
  const auto log_a = kModuleA + "/model.log";
  const auto log_b = kModuleB + "/model.log";
  for (const auto& log : {log_a, log_b}) {
    write(log, "Failed compilation");
    set_age(log, seconds(100));
  }
  index::Database database(directory_ / "index.sqlite", index::Database::Access::kWrite);
  before_remove_ = [&](const std::string& path) {
    if (path == log_a) database.run_script("ALTER TABLE layer_files RENAME TO lost");
  };
  start({.failures = seconds(60)});
  ASSERT_TRUE(eventually([&] { return asked(log_a) == 1; }));
  EXPECT_TRUE(keeper_->clear_stale_locks().removed.empty()) << "the thread is still there";
  EXPECT_FALSE(is_there(log_a));
  EXPECT_TRUE(is_there(log_b));
  EXPECT_EQ(asked(log_b), 0);
  database.run_script("ALTER TABLE lost RENAME TO layer_files");
  keeper_->changed(log_b);
  EXPECT_TRUE(eventually([&] { return !is_there(log_b); }));
  keeper_->stop();  // it uses what lives here
}

TEST_F(HousekeeperTest, FailuresAreKeptUnlessToldOtherwise) {
  const auto log = kModuleA + "/model.log";
  write(log, "Failed compilation");
  set_age(log, std::chrono::hours(10'000));
  start();
  ASSERT_TRUE(settles());
  ASSERT_EQ(keeper_->failures().size(), 1U);
  EXPECT_EQ(asked(log), 0);
}

TEST_F(HousekeeperTest, CompleteModulesAreHeld) {
  write_module(kModuleA);
  write(kModuleB + "/model.hlo_module.pb");
  start();
  ASSERT_TRUE(settles());
  ASSERT_EQ(keeper_->held().size(), 1U);
  EXPECT_EQ(keeper_->held().at(0).path, kModuleA);
  EXPECT_TRUE(index_->layer_files_below("").empty());
}

TEST_F(HousekeeperTest, AdoptedModulesAreOurs) {
  write_module(kModuleA);
  write(kLockA, "");
  write(kModuleB + "/model.hlo_module.pb");
  start({.adopts = true});
  ASSERT_TRUE(settles());
  EXPECT_TRUE(keeper_->held().empty());
  std::set<std::string> ours;
  for (const auto& file : index_->layer_files_below("")) {
    EXPECT_EQ(file.origin, index::Origin::kOurs);
    ours.insert(file.path);
  }
  std::set<std::string> expected;
  for (const auto& [path, bytes] : module_files(kModuleA)) expected.insert(path);
  EXPECT_EQ(ours, expected);
  // What comes below the mount later is not what was found when mounting.
  write_module(kModuleB);
  EXPECT_TRUE(eventually([&] { return keeper_->held().size() == 1; }));
  EXPECT_EQ(index_->layer_files_below(kModuleB).size(), 0U);
}

TEST_F(HousekeeperTest, FollowsWhatIsTold) {
  start();
  ASSERT_TRUE(settles());
  write_module(kModuleA);
  EXPECT_TRUE(eventually([&] { return keeper_->held().size() == 1; }));
  stdfs::rename(directory_ / kModuleA, directory_ / (kModuleA + ".bad"));
  keeper_->moved(kModuleA, kModuleA + ".bad");
  EXPECT_TRUE(eventually([&] {
    const auto held = keeper_->held();
    return held.size() == 1 && held[0].path == kModuleA + ".bad";
  }));
}

}  // namespace
}  // namespace neffs::test
