// Which modules are in the layer, what became of them, and whose they are.
#include "fs/module_tracker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <memory>

#include "tests/unit/fs/fs_kit.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;
using fs::LocalModule;
using fs::LocalState;
using fs::ModuleTracker;
using fs::Whose;

class ModuleTrackerTest : public ::testing::Test {
 protected:
  void write(const std::string& path, const std::string& text = "x") {
    stdfs::create_directories((directory_ / path).parent_path());
    write_file(directory_ / path, text);
  }
  void write_module(const std::string& module) {
    for (const auto& [path, bytes] : module_files(module)) write(path, bytes);
  }
  void make_copies(const std::string& module) {
    for (const auto& [path, bytes] : module_files(module)) {
      index::LayerFile copy;
      copy.path = path;
      index_->intend_copy(copy);
      index_->place_copy(path, bytes.size(), 0);
    }
  }
  std::vector<ModuleTracker::Step> steps() {
    std::vector<ModuleTracker::Step> all;
    while (auto step = tracker_.step()) all.push_back(std::move(*step));
    return all;
  }
  std::vector<std::string> known() const {
    std::vector<std::string> paths;
    for (const auto& entry : tracker_.list([](const LocalModule&) { return true; }))
      paths.push_back(entry.path);
    return paths;
  }
  using Paths = std::vector<std::string>;

  TempDirectory directory_;
  std::unique_ptr<index::Index> index_ = open_index(directory_.path());
  const fs::Layer layer_{directory_.open()};
  ModuleTracker tracker_{layer_, *index_};
};

TEST_F(ModuleTrackerTest, CountsWhatAModuleHas) {
  write_module(kModuleA);
  write(kModuleA + "/a.lock");
  write(kModuleA + "/model.log", "from the first try");
  const auto module = tracker_.look(kModuleA);
  ASSERT_TRUE(module);
  EXPECT_EQ(module->state, LocalState::kComplete);
  EXPECT_EQ(module->whose, Whose::kHeld);
  std::uint64_t bytes = 0;
  for (const auto& [path, text] : module_files(kModuleA)) bytes += text.size();
  EXPECT_EQ(module->files, module_files(kModuleA).size());
  EXPECT_EQ(module->bytes, bytes);
  EXPECT_EQ(module->locks, Paths{"a.lock"});
  EXPECT_FALSE(module->failure);
  EXPECT_FALSE(tracker_.look(kModuleB));
  write(kModuleB);
  EXPECT_FALSE(tracker_.look(kModuleB)) << "a file is no module";
}

TEST_F(ModuleTrackerTest, WhoseItIsIsDecidedByTheOutputs) {
  write_module(kModuleA);
  EXPECT_EQ(tracker_.look(kModuleA)->whose, Whose::kHeld);
  index_->mark_ours(kModuleA + "/compile_flags.json");
  EXPECT_EQ(tracker_.look(kModuleA)->whose, Whose::kHeld) << "an input makes nothing ours";
  index_->mark_ours(kModuleA + "/model.done");
  EXPECT_EQ(tracker_.look(kModuleA)->whose, Whose::kHeld) << "where the NEFF is from is unknown";
  for (const auto& [path, bytes] : module_files(kModuleA)) index_->mark_ours(path);
  EXPECT_EQ(tracker_.look(kModuleA)->whose, Whose::kOurs);

  write_module(kModuleB);
  make_copies(kModuleB);
  EXPECT_EQ(tracker_.look(kModuleB)->whose, Whose::kCopy);
  write(kModuleB + "/extra");
  EXPECT_EQ(tracker_.look(kModuleB)->whose, Whose::kCopy);
  index_->mark_ours(kModuleB + "/model.neff");
  EXPECT_EQ(tracker_.look(kModuleB)->whose, Whose::kHeld);
  index_->mark_ours(kModuleB + "/extra");
  EXPECT_EQ(tracker_.look(kModuleB)->whose, Whose::kOurs);
}

TEST_F(ModuleTrackerTest, AFailureIsItsFirstLine) {
  const auto failure_of = [&](const std::string& log) {
    write(kModuleA + "/model.log", log);
    const auto module = tracker_.look(kModuleA);
    EXPECT_EQ(module->state, LocalState::kFailed);
    return module->failure->text;
  };
  EXPECT_EQ(failure_of("Failed compilation with [a]\nmore\n"), "Failed compilation with [a]");
  EXPECT_EQ(failure_of("\n\n  out of memory\r\n"), "out of memory");
  EXPECT_EQ(failure_of("a\x1b[2J\tb"), "a?[2J?b");
  EXPECT_EQ(failure_of(std::string(5000, 'x')), std::string(fs::kFailureBytes, 'x'));
  EXPECT_EQ(failure_of(""), "");
  const auto st = layer_.stat(kModuleA + "/model.log");
  EXPECT_EQ(tracker_.look(kModuleA)->failure->log, fs::layer_id(*st));
  const auto at = tracker_.look(kModuleA)->failure->at.time_since_epoch();
  EXPECT_EQ(std::chrono::floor<std::chrono::seconds>(at).count(), st->st_mtim.tv_sec);
}

// The oldest compilers wrote the failure in the place of the NEFF; that is no log that could expire.
TEST_F(ModuleTrackerTest, AFailureInThePlaceOfTheNeff) {
  const auto module = kOldVersion + "/MODULE_1+abcdef01";
  write(module + "/model.neff", "Compilation failed\n" + std::string(2000, 'x'));
  const auto now = tracker_.look(module);
  EXPECT_EQ(now->state, LocalState::kFailed);
  EXPECT_EQ(now->failure->text, "Compilation failed");
  EXPECT_EQ(now->failure->log, fs::LayerId{});
  write(module + "/model.neff", std::string(2000, '\0'));
  EXPECT_EQ(tracker_.look(module)->state, LocalState::kComplete);
}

TEST_F(ModuleTrackerTest, NothingBlocksOrLeadsAway) {
  write(kModuleA + "/model.hlo_module.pb");
  ASSERT_EQ(::mkfifo((directory_ / (kModuleA + "/model.log")).c_str(), 0600), 0);
  EXPECT_EQ(tracker_.look(kModuleA)->state, LocalState::kUnfinished);
  stdfs::create_directories(directory_ / "elsewhere");
  write_module("elsewhere");
  stdfs::create_directory_symlink(directory_ / "elsewhere", directory_ / kModuleB);
  EXPECT_FALSE(tracker_.look(kModuleB));
  stdfs::create_directory_symlink(directory_ / "elsewhere", directory_ / (kModuleA + "/more"));
  EXPECT_EQ(tracker_.look(kModuleA)->files, 1U);
}

TEST_F(ModuleTrackerTest, TheScanFindsEveryModuleOnce) {
  write_module(kModuleA);
  write(kModuleB + "/model.log", "failed");
  write(kTraced + "/config.json", "{}");
  write(kOldVersion + "/MODULE_1+abcdef01/model.hlo.pb");
  write(kVersion + "/0_REGISTRY/0.4.0/x.json");
  write("lock", "");
  write("aside/MODULE_1+abcdef01/model.neff");
  EXPECT_FALSE(tracker_.is_scanned());
  tracker_.begin_scan();
  EXPECT_FALSE(tracker_.is_scanned());
  const auto seen = steps();
  EXPECT_TRUE(tracker_.is_scanned());
  EXPECT_EQ(seen.size(), 4U);
  for (const auto& step : seen) EXPECT_TRUE(step.is_of_scan);
  EXPECT_EQ(known(), (Paths{kOldVersion + "/MODULE_1+abcdef01", kTraced, kModuleA, kModuleB}));
}

TEST_F(ModuleTrackerTest, AnEmptyLayerIsScannedAtOnce) {
  tracker_.begin_scan();
  EXPECT_TRUE(steps().empty());
  EXPECT_TRUE(tracker_.is_scanned());
}

TEST_F(ModuleTrackerTest, WhatVanishesDuringTheScanIsAbsent) {
  write_module(kModuleA);
  write_module(kModuleB);
  tracker_.begin_scan();
  stdfs::remove_all(directory_ / kModuleB);
  EXPECT_EQ(steps().size(), 2U);
  EXPECT_EQ(known(), Paths{kModuleA});
  EXPECT_TRUE(tracker_.is_scanned());
}

TEST_F(ModuleTrackerTest, CopiesAreTheirSources) {
  write_module(kModuleA);
  make_copies(kModuleA);
  tracker_.begin_scan();
  EXPECT_EQ(steps().at(0).now->whose, Whose::kCopy);
  EXPECT_EQ(known(), Paths{});
}

TEST_F(ModuleTrackerTest, OnlyWhatChangedIsLookedAtAgain) {
  write_module(kModuleA);
  write(kModuleB + "/model.hlo_module.pb");
  tracker_.begin_scan();
  steps();
  EXPECT_FALSE(tracker_.changed(""));
  EXPECT_FALSE(tracker_.changed("lock"));
  EXPECT_FALSE(tracker_.changed(kVersion + "/0_REGISTRY/x.json"));
  EXPECT_TRUE(steps().empty());

  write_module(kModuleB);
  for (const auto& [path, bytes] : module_files(kModuleB)) EXPECT_TRUE(tracker_.changed(path));
  const auto seen = steps();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].module, kModuleB);
  EXPECT_FALSE(seen[0].is_of_scan);
  EXPECT_EQ(seen[0].now->state, LocalState::kComplete);
}

TEST_F(ModuleTrackerTest, AWholeFolderMayMove) {
  write_module(kModuleA);
  write_module(kModuleB);
  tracker_.begin_scan();
  steps();
  const std::string other = "neuronxcc-9.9+ffffffff";
  stdfs::rename(directory_ / kVersion, directory_ / other);
  EXPECT_TRUE(tracker_.changed(kVersion));
  EXPECT_TRUE(tracker_.changed(other));
  EXPECT_EQ(steps().size(), 4U);
  EXPECT_EQ(known(), (Paths{other + "/MODULE_1111+abcdef01", other + "/MODULE_2222+abcdef01"}));
}

TEST_F(ModuleTrackerTest, NamesItsFiles) {
  write_module(kModuleA);
  write(kModuleA + "/sub/more");
  const auto files = tracker_.files_of(kModuleA);
  EXPECT_EQ(files.size(), module_files(kModuleA).size() + 1);
  EXPECT_NE(std::find(files.begin(), files.end(), kModuleA + "/sub/more"), files.end());
}

}  // namespace
}  // namespace neffs::test
