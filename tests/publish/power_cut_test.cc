// The power is cut while modules are compiled, fetched and pushed: the layer's disk loses what was not
// synced. What was synced is in the repo once and whole after the next flush, and still here; what was
// not may be missing, but is torn nowhere.
//   NEFFS_POWER_CUTS  how often; NEFFS_POWER_SEED  repeats a run
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <vector>

#include "tests/mount/disk.h"
#include "tests/publish/publishing.h"

namespace neffs::test {
namespace {

constexpr unsigned kCuts = 8;
constexpr unsigned kModulesALife = 3;
constexpr unsigned kMostSteps = 36;     // of the compiles of a life, which have six each
constexpr unsigned kMostRequests = 30;  // of a life that pushes something
constexpr unsigned kLoose = 10'000;     // modules from this number on were never synced
constexpr unsigned kTheirs = 20'000;    // … and from this one on the repo had before
constexpr unsigned kHowManyTheirs = 4;
constexpr std::uint64_t kDiskSize = 320ULL << 20;  // xfs makes none below 300 MiB
constexpr std::chrono::milliseconds kLongestLife{1500};
constexpr const char* kLater = "settle=600";  // nothing is queued by itself

std::uint64_t number_in(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::stoull(text);
}

class PowerCut : public PublishTest, public ::testing::WithParamInterface<const char*> {
 protected:
  PowerCut() {
    hub_.advance_clock(std::chrono::hours(-2));  // as KilledTest does, and why
    constexpr std::int64_t kNoLimit = 1'000'000;
    hub_.set_rate_policy({.with_token = {kNoLimit, kNoLimit, kNoLimit}});
    for (unsigned i = 0; i < kHowManyTheirs; ++i)
      first_ = repo_.commit(files_to_commit(made_module(kTheirs + i)));
  }
  void SetUp() override {
    PublishTest::SetUp();
    if (IsSkipped()) return;
    const std::string missing = Disk::missing_for(GetParam());
    if (!missing.empty()) GTEST_SKIP() << missing;
    disk_.emplace(GetParam(), kDiskSize, scratch_ / "disk");
    std::filesystem::create_directory(layer_);
    ASSERT_EQ(::syncfs(open_file(layer_, O_RDONLY | O_DIRECTORY).get()), 0);
  }
  void TearDown() override {
    disk_.reset();
    PublishTest::TearDown();
  }

  std::unique_ptr<Mount> mount_disk(std::vector<std::string> options = {}) {
    options.push_back("layer=" + layer_.string());
    return mount_writing(std::move(options));
  }
  // The daemon dies of it only when it is told to; then all is as after a start of the machine.
  void cut(std::unique_ptr<Mount> mounted) {
    disk_->shut_down();
    mounted->kill();
    mounted.reset();
    disk_->come_back();
  }
  bool index_was_damaged() const {
    for (const auto& name : names_in(layer_ / ".cache/huggingface/neffs"))
      if (name.find("damaged") != std::string::npos) return true;
    return false;
  }
  void expect_here(const Mount& mounted, unsigned number) const {
    const auto module = made_module(number);
    auto found = files_in(mounted.root(), module);
    for (const auto& [name, bytes] : module.files) {
      EXPECT_TRUE(found[name] == bytes) << module.path << "/" << name << ": " << found[name].size()
                                        << " bytes, " << found[name].substr(0, 20);
      found.erase(name);
    }
    for (const auto& [name, bytes] : found) ADD_FAILURE() << module.path << "/" << name;
  }
  void expect_theirs(const Mount& mounted) const {
    for (unsigned i = 0; i < kHowManyTheirs; ++i) expect_here(mounted, kTheirs + i);
  }

  const std::filesystem::path layer_ = scratch_ / "disk" / "layer";
  std::optional<Disk> disk_;
};

INSTANTIATE_TEST_SUITE_P(Disks, PowerCut, ::testing::Values("ext4", "xfs"),
                         [](const auto& param) { return std::string(param.param); });

// Lives that end with the power, at a random moment of what goes on.
class RandomCuts : public PowerCut {
 protected:
  RandomCuts() { std::cout << "NEFFS_POWER_SEED=" << seed_ << std::endl; }

  // Until it has done enough or the disk is gone. As a retry does, it first takes up what the last one
  // was interrupted in.
  void compile(const std::filesystem::path& cache) try {
    if (interrupted_) {
      std::filesystem::remove(cache / made_module(*interrupted_).path / "model.hlo_module.pb.lock");
      compile_one(cache, *interrupted_);
    }
    for (unsigned i = 0; i < kModulesALife; ++i) {
      compile_into(cache, made_module(kLoose + loose_++), [this] { ++steps_; });
      compile_one(cache, next_++);
      files_in(cache, made_module(kTheirs + i));
    }
  } catch (const std::system_error&) {  // the disk is gone
  }
  void compile_one(const std::filesystem::path& cache, unsigned number) {
    interrupted_ = number;
    compile_durably(cache, made_module(number), [this] { ++steps_; });
    synced_.push_back(number);
    interrupted_.reset();
  }

  // What was not synced may have its mark and its lock, which is waited for.
  void clear_locks(const std::filesystem::path& cache) const {
    for (unsigned i = 0; i < loose_; ++i)
      std::filesystem::remove(cache / made_module(kLoose + i).path / "model.hlo_module.pb.lock");
  }

  void wait_for_the_moment(std::size_t requests, std::size_t commits) {
    const auto step = random_() % kMostSteps;
    const auto request = random_() % kMostRequests;
    const auto way = random_() % 4;
    eventually(
        [&] {
          if (way == 0) return hub_.traffic().count(Kind::kCommit) > commits;
          if (way == 1) return hub_.traffic().total() - requests >= request;
          return steps_ >= step;
        },
        kLongestLife);
  }

  void live_until_the_power_is_cut() {
    auto mounted = mount_disk({"settle=0"});
    steps_ = 0;
    const auto requests = hub_.traffic().total();
    const auto commits = hub_.traffic().count(Kind::kCommit);
    const auto root = mounted->root();
    auto compiled = in_background([&] { compile(root); });
    wait_for_the_moment(requests, commits);
    disk_->shut_down();
    mounted->kill();
    compiled.get();
    mounted.reset();
    disk_->come_back();
  }

  void expect_all_well(const Mount& mounted) {
    EXPECT_FALSE(index_was_damaged());
    const auto past = history();
    for (const unsigned number : synced_) {
      past.expect_once(made_module(number));
      expect_here(mounted, number);
    }
    for (unsigned i = 0; i < loose_; ++i) past.expect_untorn(made_module(kLoose + i));
    for (const auto& path : past.touched())
      EXPECT_TRUE(repo_.find(repo_.head(), path)) << path << " was deleted";
    expect_theirs(mounted);
    std::cout << synced_.size() << " synced modules in " << past.commits() << " commits\n";
  }

  const std::uint64_t seed_ = number_in("NEFFS_POWER_SEED", std::random_device()());
  std::mt19937_64 random_{seed_};
  std::atomic<std::uint64_t> steps_{0};
  unsigned next_ = 0;
  unsigned loose_ = 0;
  std::optional<unsigned> interrupted_;
  std::vector<unsigned> synced_;
};

TEST_P(RandomCuts, WhatWasSyncedIsThereOnceAndNothingIsTorn) {
  const auto cuts = number_in("NEFFS_POWER_CUTS", kCuts);
  for (std::uint64_t i = 0; i < cuts && !HasFailure(); ++i) live_until_the_power_is_cut();
  const auto mounted = mount_disk();
  clear_locks(mounted->root());
  compile(mounted->root());
  EXPECT_FALSE(interrupted_);
  expect_flushed(*mounted);
  expect_all_well(*mounted);
}

INSTANTIATE_TEST_SUITE_P(Disks, RandomCuts, ::testing::Values("ext4", "xfs"),
                         [](const auto& param) { return std::string(param.param); });

TEST_P(PowerCut, ASyncedModuleIsPublishedByTheNextLife) {
  auto mounted = mount_disk({kLater});
  compile_durably(mounted->root(), made_module(0));
  cut(std::move(mounted));
  mounted = mount_disk();
  expect_flushed(*mounted);
  expect_published_alone(made_module(0));
  expect_here(*mounted, 0);
  EXPECT_FALSE(index_was_damaged());
}

// The names of a module reach the disk with what another one syncs, its bytes do not.
TEST_P(PowerCut, NamesThatHaveLostTheirBytesAreNotPublished) {
  auto mounted = mount_disk({kLater});
  compile_into(mounted->root(), made_module(kLoose));
  compile_durably(mounted->root(), made_module(0));
  cut(std::move(mounted));
  mounted = mount_disk();
  flush(*mounted);
  const auto past = history();
  past.expect_once(made_module(0));
  past.expect_untorn(made_module(kLoose));
}

// Bytes that were never synced: the repo has them, whole, and keeps them.
TEST_P(PowerCut, NothingIsPushedTwiceAfterALostAnswer) {
  auto mounted = mount_disk();
  {
    Gate gate = hub_.hold({.kind = Kind::kCommit}, HoldPoint::kBeforeAnswering);
    compile_into(mounted->root(), made_module(kLoose));
    ASSERT_TRUE(gate.wait_held(1, std::chrono::seconds(20)));
    cut(std::move(mounted));
  }
  mounted = mount_disk();
  expect_flushed(*mounted);
  expect_published_alone(made_module(kLoose));
  expect_here(*mounted, kLoose);
}

// Their names reach the disk with what another program syncs, without our doing.
TEST_P(PowerCut, CopiesStayCopies) {
  auto mounted = mount_disk();
  expect_theirs(*mounted);
  for (unsigned i = 0; i < kHowManyTheirs; ++i)
    EXPECT_TRUE(eventually(
        [&] { return stat_error(layer_ / made_module(kTheirs + i).path / "model.done") == 0; }));
  ASSERT_EQ(::fsync(open_file(disk_->root() / "other", O_WRONLY | O_CREAT).get()), 0);
  cut(std::move(mounted));
  mounted = mount_disk();
  expect_theirs(*mounted);
  EXPECT_TRUE(eventually([&] { return !mounted->status().at("push").at("counting").get<bool>(); }));
  EXPECT_EQ(mounted->status().at("push").at("held"), 0);
  expect_flushed(*mounted);
  EXPECT_EQ(history().commits(), 0U);
}

}  // namespace
}  // namespace neffs::test
