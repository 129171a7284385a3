// The mount and a plain directory must answer alike, whatever is done to both: random operations by
// several users, every outcome compared. `exercise_tests --gtest_filter='*Differ*'` with
//   NEFFS_DIFFER_OPERATIONS=100000   operations a seed (20,000 if unset)
//   NEFFS_DIFFER_SEEDS=50            so many seeds from the clock on, for a soak
//   NEFFS_DIFFER_SEED=7              this one only
//   NEFFS_DIFFER_REPLAY=FILE         the operations that a failure has printed
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include <fmt/format.h>

#include "tests/exercise/comparison.h"
#include "tests/exercise/generator.h"
#include "tests/exercise/known_differences.h"
#include "tests/exercise/shrink.h"
#include "tests/exercise/tree.h"
#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

constexpr std::size_t kTriesToShrink = 150;

std::string variable(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

std::uint64_t seed_of_the_clock() {
  return static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch() /
                                    std::chrono::milliseconds(1));
}

std::vector<std::uint64_t> seeds() {
  if (const auto one = variable("NEFFS_DIFFER_SEED", ""); !one.empty()) return {std::stoull(one)};
  const auto many = std::stoul(variable("NEFFS_DIFFER_SEEDS", "0"));
  std::vector<std::uint64_t> seeds;
  if (many == 0) seeds = {1, 2, 3};
  for (std::size_t i = 0; i < std::max(many, 1UL); ++i) seeds.push_back(seed_of_the_clock() + i);
  return seeds;
}

class DifferTest : public MountTestBothWays {
 protected:
  DifferTest() {
    const std::string module = std::string(kSourceName) + "/MODULE_1+abcdef01/";
    hub_.create_repo("team/elsewhere")
        .commit({{module + "model.neff", std::string(5000, 'n')}, {module + "model.done", ""}});
  }

  MountSetup setup(const std::string& directory) const {
    return {.source = "team/elsewhere", .options = {way()}, .directory = directory};
  }

  // On a fresh mount and a fresh directory.
  std::optional<Mismatch> play(const std::vector<Operation>& operations) {
    const int number = ++plays_;
    const auto plain = scratch_ / fmt::format("plain{:05}", number);
    std::filesystem::create_directory(plain);
    std::filesystem::permissions(plain, std::filesystem::perms::all);
    const std::string directory = fmt::format("mount{:05}", number);
    auto mounted = mount_as(setup(directory));
    const auto layer = mounted->root();
    auto mismatch = compare(operations, mounted, plain);
    if (mounted->unmount() != 0)
      return Mismatch{operations.size(), "end", "the daemon ended badly"};
    mounted.reset();
    if (!mismatch)
      if (const auto what = difference(tree_of(layer), tree_of(plain)); !what.empty())
        mismatch = Mismatch{operations.size(), "layer", "after unmounting, in the layer:\n" + what};
    std::filesystem::remove_all(layer);
    std::filesystem::remove_all(plain);
    return mismatch;
  }

  void report(const std::vector<Operation>& operations, const Mismatch& first) {
    const auto end = std::min(first.at + 1, operations.size());
    std::vector<Operation> failing(operations.begin(),
                                   operations.begin() + static_cast<std::ptrdiff_t>(end));
    std::cout << "differs at operation " << first.at << ": " << first.what << std::endl;
    const auto fails_alike = [&](const std::vector<Operation>& fewer) {
      const auto mismatch = play(fewer);
      return mismatch && mismatch->verb == first.verb;
    };
    failing = shrunk(std::move(failing), fails_alike, kTriesToShrink);
    const auto last = play(failing);
    ADD_FAILURE() << "passthrough=" << GetParam() << ", shrunk to\n"
                  << text_of(failing) << "which differs in\n"
                  << (last ? last->what : "nothing when it is repeated; at first: " + first.what);
  }

 private:
  std::optional<Mismatch> compare(const std::vector<Operation>& operations,
                                  std::unique_ptr<Mount>& mounted,
                                  const std::filesystem::path& plain) {
    const auto root = mounted->root();
    const auto remount = [&] {
      mounted.reset();
      mounted = mount_as(setup(root.filename().string()));
    };
    return Comparison(scratch_, root, plain, remount).run(operations);
  }

  int plays_ = 0;
};
NEFFS_BOTH_WAYS(DifferTest);

// Design: "a plain directory with two additions".
TEST_P(DifferTest, TheMountDoesAsThePlainDirectory) {
  if (const auto file = variable("NEFFS_DIFFER_REPLAY", ""); !file.empty()) {
    const auto operations = read_operations(file);
    if (const auto mismatch = play(operations)) report(operations, *mismatch);
    return;
  }
  const auto count = std::stoul(variable("NEFFS_DIFFER_OPERATIONS", "20000"));
  for (const std::uint64_t seed : seeds()) {
    std::cout << "seed " << seed << ", " << count << " operations" << std::endl;
    const auto operations = Generator(seed).operations(count);
    if (const auto mismatch = play(operations)) {
      ADD_FAILURE() << "seed " << seed;
      report(operations, *mismatch);
      return;
    }
  }
}

// What it does otherwise, on purpose; nothing else is excused.
TEST_P(DifferTest, WhatDiffersIsRefused) {
  const auto mounted = mount_as(setup("mnt"));
  Worker worker(scratch_, kUsers[0], mounted->root());
  for (const Refusal& refusal : kRefusals) {
    worker.ask(operation_of(std::string(refusal.operation)));
    EXPECT_EQ(worker.answer(), refusal.outcome) << refusal.operation;
  }
}

// The comparison itself: a difference is found, and shrunk to what shows it.
TEST_P(DifferTest, ADifferenceIsFound) {
  const auto one = scratch_ / "one";
  const auto other = scratch_ / "two";
  const auto differ = [&](const std::vector<Operation>& operations) {
    for (const auto& root : {one, other}) {
      std::filesystem::remove_all(root);
      std::filesystem::create_directory(root);
    }
    std::filesystem::create_directory(other / "secret");
    return Comparison(scratch_, one, other, [] {}).run(operations);
  };
  auto operations = Generator(1).operations(200);
  operations.push_back({"root", "rmdir", {"@/secret"}});
  EXPECT_TRUE(differ(operations));
  const auto shortest = shrunk(
      operations, [&](const auto& fewer) { return differ(fewer).has_value(); }, 100);
  EXPECT_EQ(shortest.size(), 1U) << text_of(shortest);
}

}  // namespace
}  // namespace neffs::test
