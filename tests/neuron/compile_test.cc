// Hits, misses, failures and kills, with every variant of how a compile may write its files.
#include <algorithm>
#include <string>
#include <tuple>

#include "tests/neuron/neuron_test.h"

namespace neffs::test {
namespace {

const std::string kModule = "module=" + sample::kVersion + "/MODULE_1234+e30acd3a";
const std::string kOther = "module=" + sample::kVersion + "/MODULE_5678+e30acd3a";

// How the data goes, the lock, how the NEFF comes into place.
using Variant = std::tuple<std::string, std::string, std::string>;

std::string name_of(const ::testing::TestParamInfo<Variant>& info) {
  const auto& [way, lock, put] = info.param;
  std::string name = way + '_' + lock + '_' + put;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

class CompileVariants : public NeuronTest, public ::testing::WithParamInterface<Variant> {
 protected:
  void SetUp() override {
    NeuronTest::SetUp();
    if (!IsSkipped()) open_on_empty_repo(std::get<0>(GetParam()));
  }
  static std::string words() {
    return "lock=" + std::get<1>(GetParam()) + " put=" + std::get<2>(GetParam()) + ' ';
  }
};

const auto kPutWays = ::testing::Values("in-place", "temp-rename", "link", "copy", "move");
const auto kLocks = ::testing::Values("exclusive", "check", "flock", "lockf");

INSTANTIATE_TEST_SUITE_P(Passthrough, CompileVariants,
                         ::testing::Combine(::testing::Values("auto"), kLocks, kPutWays), name_of);
INSTANTIATE_TEST_SUITE_P(Copying, CompileVariants,
                         ::testing::Combine(::testing::Values("off"),
                                            ::testing::Values("exclusive"), kPutWays),
                         name_of);

// A miss, a compile, and hits in every way of taking the NEFF.
TEST_P(CompileVariants, AMissThenHits) {
  expect_alike(neuron("compile inputs=after-lock wrapped=before-unlock " + words() + kModule),
               "outcome: compiled");
  for (const char* const take : {"read", "mmap", "copy", "link", "symlink"})
    expect_alike(neuron("compile take=" + std::string(take) + ' ' + words() + kModule),
                 "outcome: hit");
  expect_alike(neuron("compile enter=before-look inputs=before-lock wrapped=after-unlock " +
                      words() + kOther),
               "outcome: compiled");
  expect_alike(neuron("compile enter=before-look " + words() + kOther), "outcome: hit");
  close_and_compare();
}

class LockVariants : public NeuronTest, public ::testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override {
    NeuronTest::SetUp();
    if (!IsSkipped()) open_on_empty_repo("auto");
  }
  static std::string words() { return "lock=" + GetParam() + ' '; }
};

INSTANTIATE_TEST_SUITE_P(All, LockVariants, kLocks, [](const auto& param) { return param.param; });

// A failure is there for everybody, until somebody asks for a retry; a retry may fail again.
TEST_P(LockVariants, AFailureAndItsRetries) {
  expect_alike(neuron("compile ending=failure " + words() + kModule), "outcome: failed");
  expect_alike(neuron("compile " + words() + kModule), "outcome: failed before");
  expect_same_tree();
  expect_alike(neuron("compile retry=keep-log ending=failure " + words() + kModule),
               "outcome: failed");
  expect_alike(neuron("compile retry=keep-log " + words() + kModule), "outcome: compiled");
  expect_alike(neuron("compile " + words() + kModule), "outcome: hit");
  expect_alike(neuron("compile ending=failure " + words() + kOther), "outcome: failed");
  expect_alike(neuron("compile retry=delete-log " + words() + kOther), "outcome: compiled");
  expect_alike(neuron("compile " + words() + kOther), "outcome: hit");
  close_and_compare();
}

// A killed process leaves its lock, and all others wait for it until somebody deletes it.
TEST_P(LockVariants, AKillLeavesALock) {
  for (const char* const ending : {"killed-locked", "killed-compiling"}) {
    expect_alike(neuron("compile inputs=before-lock ending=" + std::string(ending) + ' ' + words() +
                        kModule),
                 "exit code -9");
    expect_alike(neuron("compile patience=3 " + words() + kModule), "outcome: locked");
    expect_same_tree();
    expect_alike(maintenance("clear-locks"), "deleted");
  }
  expect_alike(neuron("compile " + words() + kModule), "outcome: compiled");
  close_and_compare();
}

class CompileTest : public NeuronTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    NeuronTest::SetUp();
    if (!IsSkipped()) open_on_empty_repo(GetParam());
  }
};
NEFFS_BOTH_WAYS(CompileTest);

// Half a NEFF without a mark is a miss for the new generation, and is written over.
TEST_P(CompileTest, AKillInTheMiddleOfTheNeff) {
  expect_alike(neuron("compile ending=killed-writing " + kModule), "exit code -9");
  expect_alike(neuron("compile patience=3 " + kModule), "outcome: locked");
  expect_same_tree();
  expect_alike(neuron("scan"), "locked 1");
  expect_alike(maintenance("clear-locks"), "deleted");
  expect_alike(neuron("compile put=in-place " + kModule), "outcome: compiled");
  expect_alike(neuron("compile " + kModule), "outcome: hit");
  close_and_compare();
}

// A whole directory that is renamed into place, also where another one is already.
TEST_P(CompileTest, AModuleRenamedIntoPlace) {
  expect_alike(neuron("compile-beside " + kModule), "outcome: compiled");
  expect_alike(neuron("compile take=mmap " + kModule), "outcome: hit");
  expect_alike(neuron("collect count=1 folder=" + sample::kVersion), "written inputs");
  expect_alike(neuron("compile-beside module=" + sample::kVersion + "/MODULE_1+e30acd3a"),
               "rename to the module: ENOTEMPTY");
  close_and_compare();
}

// A module that another user has compiled: open to all with umask 0, to be read only with 022.
TEST_P(CompileTest, AnotherUser) {
  for (const char* const umask : {"0", "022"}) {
    const std::string mask = std::string(" umask=") + umask;
    const std::string words = mask + " module=neuronxcc-2." + umask + "/MODULE_1+e30acd3a";
    const bool is_open = mask == " umask=0";
    expect_alike(neuron("compile uid=65534 ending=failure" + words), "outcome: failed");
    expect_alike(neuron("compile uid=1000" + words), "outcome: failed before");
    expect_alike(neuron("compile uid=1000 retry=delete-log" + words),
                 is_open ? "outcome: compiled" : "outcome: error EACCES");
    expect_alike(neuron("compile uid=65534 retry=keep-log" + words),
                 is_open ? "outcome: hit" : "outcome: compiled");
    expect_alike(neuron("compile uid=1000" + words), "outcome: hit");
    expect_alike(neuron("compile uid=1000 enter=before-look" + words),
                 is_open ? "outcome: hit" : "outcome: error EACCES");
    expect_alike(neuron("compile uid=1000 module=neuronxcc-2." + std::string(umask) +
                        "/MODULE_2+e30acd3a" + mask),
                 is_open ? "outcome: compiled" : "outcome: error EACCES");
  }
  expect_alike(neuron("compile uid=0 umask=022 retry=keep-log " + kModule), "outcome: compiled");
  close_and_compare();
}

// The lock of the old generation belongs to whoever came first.
TEST_P(CompileTest, TheLockOfAnotherUser) {
  expect_alike(neuron("compile lock=flock uid=65534 umask=022 " + kModule), "outcome: compiled");
  expect_alike(neuron("compile lock=flock uid=1000 " + kModule), "outcome: error EACCES");
  expect_alike(neuron("compile lock=lockf uid=65534 " + kModule), "outcome: hit");
  close_and_compare();
}

}  // namespace
}  // namespace neffs::test
