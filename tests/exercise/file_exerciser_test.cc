// Every byte of one file under random reads, writes, stores, truncations, holes and copies, alone
// and by two processes. `exercise_tests --gtest_filter='*FileExerciser*'` with
//   NEFFS_FILE_OPERATIONS=1000000    operations of each process (50,000 if unset), for a soak
//   NEFFS_FILE_SEED=7                this seed; else 1 and one from the clock
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "tests/exercise/file_exerciser.h"
#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

constexpr std::chrono::hours kLongestRun{2};

std::string variable(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

std::string operations() {
  return variable("NEFFS_FILE_OPERATIONS", "50000");
}

std::string seed() {
  static const std::string seed = variable(
      "NEFFS_FILE_SEED", std::to_string(std::chrono::system_clock::now().time_since_epoch() /
                                        std::chrono::milliseconds(1)));
  return seed;
}

class FileExerciserTest : public MountTestBothWays {
 protected:
  FileExerciserTest() : repo_(hub_.create_repo("team/elsewhere")) {}

  std::unique_ptr<Mount> mounted() {
    std::cout << "seed " << seed() << ", " << operations() << " operations" << std::endl;
    return mount_as({.source = "team/elsewhere", .options = {way()}});
  }

  std::unique_ptr<Child> exercise(const std::filesystem::path& file, const std::string& begin,
                                  const std::string& end) const {
    return start({NEFFS_EXERCISE_WORKER, file.string(), seed(), operations(), begin, end});
  }

  static void expect_well(Child& child) {
    ASSERT_TRUE(child.wait(kLongestRun));
    EXPECT_EQ(child.exit_code(), 0) << "seed " << seed() << ": " << child.err();
  }

 private:
  TestRepo& repo_;
};
NEFFS_BOTH_WAYS(FileExerciserTest);

TEST_P(FileExerciserTest, AFileHoldsWhatWasWritten) {
  const auto mount = mounted();
  expect_well(*exercise(*mount / "file", "0", "0"));
}

// Each has a part of its own; they meet in the middle of a page.
TEST_P(FileExerciserTest, TwoProcessesDoNotDisturbEachOther) {
  const auto mount = mounted();
  write_file(*mount / "file", std::string(200'000, '\0'));
  const auto one = exercise(*mount / "file", "0", "101234");
  const auto other = exercise(*mount / "file", "101234", "200000");
  expect_well(*one);
  expect_well(*other);
}

// The exerciser itself: it sees a byte that somebody else has changed.
TEST_P(FileExerciserTest, AWrongByteIsFound) {
  const std::string file = scratch_ / "file";
  FileExerciser exerciser(file, 1, {});
  exerciser.run(100);
  write_file(file, std::string(std::filesystem::file_size(file), 'x'));
  EXPECT_THROW(exerciser.run(1), WrongBytes);
}

}  // namespace
}  // namespace neffs::test
