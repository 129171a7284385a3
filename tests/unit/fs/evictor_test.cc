// What goes first, what is spared, and that one does not hold up another.
#include "fs/evictor.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <ctime>
#include <set>
#include <stdexcept>

#include "fs/node_table.h"
#include "tests/unit/fs/fs_kit.h"

namespace neffs::test {
namespace {

constexpr std::uint64_t kBytes = 1000;

std::string module_path(const std::string& number) {
  return "neuronxcc-2.21.33363.0+82129205/MODULE_" + number + "+e30acd3a";
}

class EvictorTest : public testing::Test {
 protected:
  // A placed copy that was used then; nothing is on the disk if `used` is 0.
  void put_copy(const std::string& path, std::time_t used) {
    index::LayerFile copy;
    copy.path = path;
    copy.source = "source";
    copy.content = "sha1:x";
    copy.size = kBytes;
    index_->intend_copy(copy);
    index_->place_copy(path, kBytes, 0);
    if (used == 0) return;
    std::filesystem::create_directories((directory_ / path).parent_path());
    write_file(directory_ / path, std::string(kBytes, 'x'));
    const std::array<timespec, 2> times{timespec{used, 0}, timespec{0, UTIME_OMIT}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (directory_ / path).c_str(), times.data(), 0), 0);
  }
  // Evicts everything but what a test wants to fail, and notes it.
  fs::Evictor evictor(fs::EvictOptions options) {
    return {layer_,
            *index_,
            options,
            {[this](const std::stop_token&) { ++asked_; },
             [this](const std::string& unit, const std::stop_token&) -> std::uint64_t {
               if (unit == fails_) throw std::runtime_error("it is nailed down");
               evicted_.push_back(unit);
               is_evicted_ = true;
               return kBytes;
             },
             [this](const std::string& unit) { return pinned_.contains(unit); }}};
  }

  TempDirectory directory_;
  TempDirectory state_;
  fs::Layer layer_{directory_.open()};
  std::unique_ptr<index::Index> index_ = open_index(state_.path());
  std::string fails_;
  std::set<std::string> pinned_;
  std::vector<std::string> evicted_;
  int asked_ = 0;
  std::atomic<bool> is_evicted_ = false;
};

TEST_F(EvictorTest, AModuleIsAsOldAsItsLastUse) {
  put_copy(module_path("1") + "/model.neff", 100);
  put_copy(module_path("1") + "/model.done", 300);
  put_copy(module_path("2") + "/model.neff", 200);
  put_copy(module_path("3") + "/model.neff", 0);
  put_copy("README.md", 250);
  index_->mark_ours(module_path("4") + "/model.neff");
  const std::int64_t second = 1'000'000'000;
  EXPECT_EQ(fs::copies_by_use(layer_, *index_, ""),
            (std::vector<fs::EvictionUnit>{{module_path("3"), kBytes, 0},
                                           {module_path("2"), kBytes, 200 * second},
                                           {"README.md", kBytes, 250 * second},
                                           {module_path("1"), 2 * kBytes, 300 * second}}));
  EXPECT_EQ(fs::copies_by_use(layer_, *index_, module_path("2")).size(), 1U);
}

TEST_F(EvictorTest, WhatHasRoomIsLeftAlone) {
  put_copy(module_path("1") + "/model.neff", 100);
  auto it = evictor({.cache_size = kBytes, .min_free = 0});
  it.make_room();
  EXPECT_EQ(evicted_, std::vector<std::string>());
  EXPECT_EQ(asked_, 0);
}

TEST_F(EvictorTest, OtherLimitsHoldFromThenOn) {
  put_copy(module_path("1") + "/model.neff", 100);
  auto it = evictor({.cache_size = kBytes, .min_free = 0});
  it.start();
  it.set_options({.cache_size = 0, .min_free = 0});
  EXPECT_TRUE(eventually([this] { return is_evicted_.load(); }));
  it.stop();
  EXPECT_EQ(evicted_, std::vector{module_path("1")});
  EXPECT_EQ(it.options().cache_size, 0U);
}

TEST_F(EvictorTest, AfterAVainRoundOnlyOtherLimitsAreTriedAtOnce) {
  put_copy(module_path("1") + "/model.neff", 100);
  fails_ = module_path("1");
  auto it = evictor({.cache_size = 0, .min_free = 0});
  it.make_room();
  fails_.clear();
  it.make_room();
  it.set_options({.cache_size = 0, .min_free = 0});  // the same
  it.make_room();
  EXPECT_EQ(evicted_, std::vector<std::string>());
  it.set_options({.cache_size = 1, .min_free = 0});
  it.make_room();
  EXPECT_EQ(evicted_, std::vector{module_path("1")});
}

// It would only be fetched again.
TEST_F(EvictorTest, WhatWasUsedAMomentAgoIsSpared) {
  put_copy(module_path("1") + "/model.neff", std::time(nullptr));
  put_copy(module_path("2") + "/model.neff", std::time(nullptr) - 3600);
  auto it = evictor({.cache_size = 0, .min_free = 0});
  it.make_room();
  EXPECT_EQ(evicted_, std::vector{module_path("2")});
}

TEST_F(EvictorTest, NoMoreGoesThanHasTo) {
  for (const char* number : {"1", "2", "3", "4"})
    put_copy(module_path(number) + "/model.neff", 100 + *number);
  auto it = evictor({.cache_size = 2 * kBytes + 500, .min_free = 0});
  it.make_room();
  EXPECT_EQ(evicted_, (std::vector{module_path("1"), module_path("2")}));
}

TEST_F(EvictorTest, OneThatFailsHoldsUpNoOther) {
  put_copy(module_path("1") + "/model.neff", 100);
  put_copy(module_path("2") + "/model.neff", 200);
  fails_ = module_path("1");
  auto it = evictor({.cache_size = std::nullopt, .min_free = 0});
  it.start();
  it.evict({.to = 0, .paths = {}});
  ASSERT_TRUE(eventually([&] { return !it.status().is_busy; }));
  EXPECT_EQ(it.status().kept, 1U);
  EXPECT_EQ(it.status().modules, 1U);
  it.stop();
  EXPECT_EQ(evicted_, std::vector{module_path("2")});
}

TEST_F(EvictorTest, WhatIsPinnedStays) {
  put_copy(module_path("1") + "/model.neff", 100);
  put_copy(module_path("2") + "/model.neff", 200);
  pinned_ = {module_path("1")};
  auto it = evictor({.cache_size = 1, .min_free = 0});
  it.make_room();
  EXPECT_EQ(evicted_, std::vector{module_path("2")});
  evicted_.clear();
  it.start();
  it.evict({.to = 0, .paths = {}});
  ASSERT_TRUE(eventually([&] { return !it.status().is_busy; }));
  it.stop();
  EXPECT_EQ(std::count(evicted_.begin(), evicted_.end(), module_path("1")), 0);
}

TEST_F(EvictorTest, WhatIsPinnedGoesLastForWhoHasNoRoomAndWhenItIsNamed) {
  put_copy(module_path("1") + "/model.neff", 100);
  put_copy(module_path("2") + "/model.neff", 200);
  put_copy(module_path("3") + "/model.neff", 300);
  pinned_ = {module_path("1")};
  auto it = evictor({.cache_size = std::nullopt, .min_free = 0});
  it.start();
  EXPECT_TRUE(it.make_room_for(3 * kBytes));
  it.evict({.to = std::nullopt, .paths = {module_path("1")}});
  ASSERT_TRUE(eventually([&] { return !it.status().is_busy; }));
  it.stop();
  EXPECT_EQ(evicted_,
            (std::vector{module_path("2"), module_path("3"), module_path("1"), module_path("1")}));
}

TEST_F(EvictorTest, WhereItIsNotStartedNothingIsTaken) {
  auto it = evictor({});
  EXPECT_THROW(it.evict({.to = 0, .paths = {}}), std::runtime_error);
}

}  // namespace
}  // namespace neffs::test
