// The daemon is killed at any moment while modules are compiled and pushed. Of each whose last close()
// has returned the repo has all, once, after the next flush.
//   NEFFS_PUBLISH_KILLS  how often in each test; NEFFS_PUBLISH_SEED  repeats a run
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <vector>

#include "tests/publish/publishing.h"

namespace neffs::test {
namespace {

constexpr unsigned kKills = 80;
constexpr unsigned kModulesALife = 3;
constexpr unsigned kMostSteps = 20;     // of compiles, which have six each
constexpr unsigned kMostRequests = 30;  // of a life that pushes something
constexpr std::chrono::milliseconds kLongestLife{1500};

std::uint64_t number_in(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::stoull(text);
}

struct Counts {
  std::size_t requests = 0;
  std::size_t commits = 0;
};

struct KillCase {
  const char* name;
  const char* settle;
  bool in_parts;
};

void PrintTo(const KillCase& param, std::ostream* out) {
  *out << param.name;
}

class KilledTest : public PublishTest, public ::testing::WithParamInterface<KillCase> {
 protected:
  KilledTest() {
    // Commits of two hours ago do not count against the pace of an hour, which these would exceed.
    hub_.advance_clock(std::chrono::hours(-2));
    constexpr std::int64_t kNoLimit = 1'000'000;  // each life begins with the same questions
    hub_.set_rate_policy({.with_token = {kNoLimit, kNoLimit, kNoLimit}});
    auto behaviour = hub_.behaviour();
    if (GetParam().in_parts) behaviour.limits.parts_from = behaviour.limits.part_size = 8'000;
    hub_.set_behaviour(behaviour);
    std::cout << "NEFFS_PUBLISH_SEED=" << seed_ << std::endl;
  }

  std::unique_ptr<Mount> mount_quick() {
    return mount_writing({std::string("settle=") + GetParam().settle});
  }

  // Compiles until it has done enough or the mount is gone. As a retry does, it first takes up what the
  // last one was killed in.
  void compile(const std::filesystem::path& cache) try {
    if (interrupted_) {
      std::filesystem::remove(cache / made_module(*interrupted_).path / "model.hlo_module.pb.lock");
      compile_one(cache, *interrupted_);
    }
    for (unsigned i = 0; i < kModulesALife; ++i) compile_one(cache, next_++);
  } catch (const std::system_error&) {  // killed
  }
  void compile_one(const std::filesystem::path& cache, unsigned number) {
    interrupted_ = number;
    compile_into(cache, made_module(number), [this] { ++steps_; });
    closed_.push_back(number);
    interrupted_.reset();
  }

  // Anywhere in the compiles, anywhere in the pushing, or in the middle of a commit.
  void wait_for_the_moment(const Counts& before) {
    const auto step = random_() % kMostSteps;
    const auto request = random_() % kMostRequests;
    const auto way = random_() % 4;
    eventually(
        [&] {
          if (way == 0) return steps_ >= step;
          if (way == 1) return hub_.traffic().count(Kind::kCommit) > before.commits;
          return hub_.traffic().total() - before.requests >= request;
        },
        kLongestLife);
  }

  void live_and_be_killed() {
    const auto mounted = mount_quick();
    const Counts before{hub_.traffic().total(), hub_.traffic().count(Kind::kCommit)};
    steps_ = 0;
    auto compiled = in_background([&] { compile(mounted->root()); });
    wait_for_the_moment(before);
    mounted->kill();
    compiled.get();
  }

  const std::uint64_t seed_ = number_in("NEFFS_PUBLISH_SEED", std::random_device()());
  std::mt19937_64 random_{seed_};
  std::atomic<std::uint64_t> steps_{0};
  unsigned next_ = 0;
  std::optional<unsigned> interrupted_;
  std::vector<unsigned> closed_;
};

TEST_P(KilledTest, EveryClosedModuleIsThereOnce) {
  const auto kills = number_in("NEFFS_PUBLISH_KILLS", kKills);
  for (std::uint64_t i = 0; i < kills && !HasFailure(); ++i) live_and_be_killed();
  const auto mounted = mount_quick();
  compile(mounted->root());
  EXPECT_FALSE(interrupted_);
  expect_flushed(*mounted);
  const auto past = history();
  EXPECT_GE(closed_.size(), kModulesALife);
  for (const unsigned number : closed_) past.expect_once(made_module(number));
  for (const auto& path : past.touched())
    EXPECT_TRUE(repo_.find(repo_.head(), path)) << path << " was deleted";
  for (const unsigned number : closed_)
    EXPECT_EQ(files_in(mounted->root(), made_module(number)), made_module(number).files);
  std::cout << closed_.size() << " modules in " << past.commits() << " commits\n";
}

INSTANTIATE_TEST_SUITE_P(Kills, KilledTest,
                         ::testing::Values(KillCase{"AtOnce", "0", false},
                                           KillCase{"Settling", "0.1", false},
                                           KillCase{"InParts", "0", true}),
                         [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace neffs::test
