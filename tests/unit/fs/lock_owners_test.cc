// Whose a lock is: remembered, judged, followed through renames, kept over restarts.
#include "fs/lock_owners.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <thread>

#include "tests/unit/fs/made_up_proc.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;
using fs::Life;

const std::string kLockA = kModuleA + "/model.hlo_module.pb.lock";
const std::string kLockB = kModuleB + "/model.hlo_module.pb.lock";
constexpr fs::Caller kAda{.uid = 1, .gid = 1, .thread = 42};
constexpr fs::Caller kBob{.uid = 2, .gid = 2, .thread = 50};
constexpr fs::Caller kStranger{.uid = 3, .gid = 3, .thread = 0};

class LockOwnersTest : public ::testing::Test {
 protected:
  LockOwnersTest() {
    proc_.add({.id = 42, .started = 777});
    proc_.add({.id = 50, .started = 900});
    start();
  }

  void start() {
    owners_.reset();
    owners_ = std::make_unique<fs::LockOwners>(layer_, *index_, fs::ProcessTable(proc_.path()));
  }
  void make(const std::string& path, const fs::Caller& caller, const std::string& text = "") {
    stdfs::create_directories((directory_ / path).parent_path());
    write_file(directory_ / path, text);
    owners_->made(path, caller);
  }
  void remove(const std::string& path) {
    stdfs::remove(directory_ / path);
    owners_->changed(path);
  }
  void rename(const std::string& from, const std::string& to) {
    stdfs::rename(directory_ / from, directory_ / to);
    owners_->moved(from, to);
  }
  // What is recorded, in memory and in the index alike: "PATH by PID".
  std::vector<std::string> recorded() {
    std::vector<std::string> memory;
    for (const auto& lock : owners_->list())
      memory.push_back(lock.record.path + " by " + std::to_string(lock.record.process));
    std::vector<std::string> stored;
    for (const auto& record : index_->locks())
      stored.push_back(record.path + " by " + std::to_string(record.process));
    EXPECT_EQ(memory, stored);
    EXPECT_EQ(owners_->is_empty(), memory.empty());
    return memory;
  }
  using Recorded = std::vector<std::string>;

  MadeUpProc proc_;
  TempDirectory directory_;
  std::unique_ptr<index::Index> index_ = open_index(directory_.path());
  const fs::Layer layer_{directory_.open()};
  std::unique_ptr<fs::LockOwners> owners_;
};

TEST_F(LockOwnersTest, ALockIsItsCreatorsUntilItGoes) {
  make(kLockA, kAda);
  make(kLockB, kBob);
  EXPECT_EQ(recorded(), (Recorded{kLockA + " by 42", kLockB + " by 50"}));
  remove(kLockA);
  EXPECT_EQ(recorded(), Recorded{kLockB + " by 50"});
  make(kLockA, kBob);
  EXPECT_EQ(recorded(), (Recorded{kLockA + " by 50", kLockB + " by 50"}));
  stdfs::remove_all(directory_ / kVersion);
  owners_->changed(kVersion);
  EXPECT_EQ(recorded(), Recorded{});
}

TEST_F(LockOwnersTest, IsJudgedWhenItIsAskedFor) {
  make(kLockA, kAda);
  EXPECT_EQ(owners_->list(kLockA).at(0).life, Life::kAlive);
  proc_.remove("42");
  EXPECT_EQ(owners_->list(kModuleA).at(0).life, Life::kGone);
  proc_.set_boot("the next");
  start();
  EXPECT_EQ(owners_->list().at(0).life, Life::kEarlierBoot);
  EXPECT_TRUE(owners_->list(kModuleB).empty());
}

TEST_F(LockOwnersTest, ANewOwnerTakesThePlaceOfTheLast) {
  make(kLockA, kAda);
  stdfs::remove(directory_ / kLockA);
  make(kLockA, kBob);
  owners_->changed(kLockA);  // the news of the deletion may come after those of the new one
  EXPECT_EQ(recorded(), Recorded{kLockA + " by 50"});
  make(kLockA, kStranger);
  EXPECT_EQ(recorded(), Recorded{}) << "whose it is cannot be told any more";
}

TEST_F(LockOwnersTest, FollowsRenames) {
  make(kLockA, kAda);
  rename(kModuleA, kVersion + "/MODULE_1111+abcdef01.bad");
  EXPECT_EQ(recorded(),
            Recorded{kVersion + "/MODULE_1111+abcdef01.bad/model.hlo_module.pb.lock by 42"});
  rename(kVersion, "aside");
  make("other.lock", kBob);
  rename("other.lock", "aside/other.lock");
  EXPECT_EQ(recorded(), (Recorded{"aside/MODULE_1111+abcdef01.bad/model.hlo_module.pb.lock by 42",
                                  "aside/other.lock by 50"}));
  make("third.lock", kAda);
  rename("third.lock", "aside/other.lock");
  EXPECT_EQ(recorded().at(1), "aside/other.lock by 42");
}

// git writes its index into index.lock and renames that into place.
TEST_F(LockOwnersTest, WhatIsRenamedToAnotherNameIsNoLockAnyMore) {
  make("index.lock", kAda);
  rename("index.lock", "index");
  EXPECT_EQ(recorded(), Recorded{});
}

TEST_F(LockOwnersTest, WhatHoldsBytesOutsideOfModulesIsData) {
  make("poetry.lock", kAda);
  write_file(directory_ / "poetry.lock", "[[package]]");
  owners_->changed("poetry.lock");
  make("yarn.lock", kAda, "# yarn");
  make("lock", kAda);  // of the old generation: its existence says nothing
  make(kLockA, kAda, "42");
  EXPECT_EQ(recorded(), Recorded{kLockA + " by 42"});
}

// An exchange is told as a change of both names.
TEST_F(LockOwnersTest, AnotherFileUnderTheNameIsAnotherLock) {
  make(kLockA, kAda);
  make(kLockB, kBob);
  ASSERT_EQ(::renameat2(AT_FDCWD, (directory_ / kLockA).c_str(), AT_FDCWD,
                        (directory_ / kLockB).c_str(), RENAME_EXCHANGE),
            0);
  owners_->changed(kLockA);
  owners_->changed(kLockB);
  EXPECT_EQ(recorded(), Recorded{});
}

TEST_F(LockOwnersTest, ARestartKeepsTheRecords) {
  make(kLockA, kAda);
  make(kLockB, kBob);
  stdfs::remove(directory_ / kLockB);  // while nobody looks
  start();
  EXPECT_EQ(recorded(), Recorded{kLockA + " by 42"});
}

// Deleted and taken again by somebody while nothing was mounted: the record is not his.
TEST_F(LockOwnersTest, ALockYoungerThanItsRecordIsNotItsCreators) {
  make(kLockA, kAda);
  auto record = index_->locks().at(0);
  record.taken_s -= 60;
  index_->put_lock(record);
  start();
  EXPECT_EQ(recorded(), Recorded{});
}

TEST_F(LockOwnersTest, ManyThreadsLeaveIndexAndMemoryAlike) {
  std::vector<std::thread> threads;
  for (int number = 0; number < 4; ++number)
    threads.emplace_back([this, number] {
      const auto mine = kModuleB + "/" + std::to_string(number) + ".lock";
      for (int round = 0; round < 40; ++round) {
        owners_->made(kLockA, number % 2 == 0 ? kAda : kBob);
        make(mine, kAda);
        if (round % 3 == 0) remove(mine);
        owners_->changed(kVersion);
      }
    });
  stdfs::create_directories(directory_ / kModuleA);
  write_file(directory_ / kLockA, "");
  for (auto& thread : threads) thread.join();
  owners_->made(kLockA, kAda);
  EXPECT_EQ(recorded().front(), kLockA + " by 42");
}

}  // namespace
}  // namespace neffs::test
