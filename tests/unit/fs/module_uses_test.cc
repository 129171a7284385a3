// What modules are for: which a model has used, and which are kept for a use that is to come.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "fs/model_notes.h"
#include "fs/pins.h"
#include "tests/unit/fs/made_up_proc.h"

namespace neffs::test {
namespace {

using Modules = std::vector<std::string>;

constexpr std::int64_t kNow = 1'000'000;
constexpr std::int64_t kWeek = std::chrono::seconds(fs::Pins::kLifetime).count();

std::string module_path(int number) {
  return "neuronxcc-2.21.33363.0+82129205/MODULE_" + std::to_string(4700 + number) + "+e30acd3a";
}

class ModuleUsesTest : public testing::Test {
 protected:
  fs::ModelNotes notes() { return {*index_, fs::ProcessTable(proc_.path())}; }

  TempDirectory state_;
  MadeUpProc proc_;
  std::unique_ptr<index::Index> index_ = open_index(state_.path());
};

TEST_F(ModuleUsesTest, APinEndsWithTheFirstUse) {
  fs::Pins pins(*index_, kNow);
  EXPECT_FALSE(pins.listens());
  pins.pin({module_path(1), module_path(2)}, kNow);
  EXPECT_TRUE(pins.listens());
  EXPECT_EQ(pins.pinned_until_s(module_path(1), kNow), kNow + kWeek);
  pins.used(module_path(3));
  pins.used(module_path(1));
  EXPECT_EQ(pins.pinned_until_s(module_path(1), kNow), 0);
  EXPECT_EQ(pins.pinned_until_s(module_path(2), kNow), kNow + kWeek);
  const fs::Pins later(*index_, kNow + 1);
  EXPECT_EQ(later.pinned_until_s(module_path(1), kNow), 0);
  EXPECT_EQ(later.pinned_until_s(module_path(2), kNow), kNow + kWeek);
}

TEST_F(ModuleUsesTest, APinThatNobodyUsesEndsByItself) {
  fs::Pins pins(*index_, kNow);
  pins.pin({module_path(1)}, kNow);
  EXPECT_EQ(pins.pinned_until_s(module_path(1), kNow + kWeek - 1), kNow + kWeek);
  EXPECT_EQ(pins.pinned_until_s(module_path(1), kNow + kWeek), 0);
  pins.pin({module_path(1)}, kNow + 5);  // somebody has fetched it ahead again
  EXPECT_EQ(pins.pinned_until_s(module_path(1), kNow + kWeek), kNow + kWeek + 5);
  const fs::Pins later(*index_, kNow + 2 * kWeek);
  EXPECT_FALSE(later.listens());
  EXPECT_TRUE(index_->pins().empty());
}

TEST_F(ModuleUsesTest, WhatIsUsedMeanwhileIsTheModels) {
  auto notes = this->notes();
  notes.used(module_path(1));
  const auto one = notes.begin("lab/one", std::nullopt);
  notes.used(module_path(2));
  const auto other = notes.begin("lab/other", std::nullopt);
  EXPECT_TRUE(notes.listens());
  for (int times = 0; times < 3; ++times) notes.used(module_path(3));
  EXPECT_EQ(notes.end(one), 2U);
  EXPECT_EQ(notes.end(one), std::nullopt);
  notes.used(module_path(4));
  notes.used(module_path(5) + ".bad");
  EXPECT_EQ(notes.end(other), 2U);
  EXPECT_FALSE(notes.listens());
  EXPECT_EQ(index_->modules_of_model("lab/one"), (Modules{module_path(2), module_path(3)}));
  EXPECT_EQ(index_->modules_of_model("lab/other"), (Modules{module_path(3), module_path(4)}));
}

TEST_F(ModuleUsesTest, ARunWhoseProcessIsGoneNotesNothingMore) {
  auto notes = this->notes();
  proc_.add({.id = 77, .started = 900});
  const fs::Process process{77, 900, MadeUpProc::kBoot, MadeUpProc::kNamespace};
  const auto run = notes.begin("lab/llama", process);
  notes.used(module_path(1));
  proc_.remove("77");
  notes.used(module_path(2));
  EXPECT_FALSE(notes.listens());
  EXPECT_EQ(notes.end(run), std::nullopt);
  EXPECT_EQ(index_->modules_of_model("lab/llama"), Modules{module_path(1)});
  // Of one in another pid namespace it is not known: it counts as alive.
  const fs::Process hidden{78, 900, MadeUpProc::kBoot, MadeUpProc::kNamespace + 1};
  notes.begin("lab/other", hidden);
  notes.used(module_path(3));
  EXPECT_TRUE(notes.listens());
  EXPECT_EQ(index_->modules_of_model("lab/other"), Modules{module_path(3)});
}

TEST_F(ModuleUsesTest, ManyThreadsMayUseAtOnce) {
  constexpr int kThreads = 4;
  constexpr int kModules = 25;
  auto notes = this->notes();
  fs::Pins pins(*index_, kNow);
  Modules all;
  for (int number = 0; number < kModules; ++number) all.push_back(module_path(number));
  pins.pin(all, kNow);
  const auto run = notes.begin("lab/llama", std::nullopt);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i)
      threads.emplace_back([&] {
        for (const auto& module : all) {
          notes.used(module);
          pins.used(module);
        }
      });
  }
  EXPECT_EQ(notes.end(run), static_cast<std::size_t>(kModules));
  EXPECT_EQ(index_->modules_of_model("lab/llama"), all);
  EXPECT_FALSE(pins.listens());
  EXPECT_TRUE(index_->pins().empty());
}

}  // namespace
}  // namespace neffs::test
