// neuron_parallel_compile: graphs are collected, listed and compiled by several workers.
#include <string>

#include "tests/neuron/neuron_test.h"

namespace neffs::test {
namespace {

const std::string kFolder = "folder=" + sample::kVersion;
const std::string kModule = "module=" + sample::kVersion + "/MODULE_";

class ParallelCompileTest : public NeuronTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    NeuronTest::SetUp();
    if (!IsSkipped()) open_on_empty_repo(GetParam());
  }
};
NEFFS_BOTH_WAYS(ParallelCompileTest);

// Every worker walks the whole list; each graph is compiled by one of them.
TEST_P(ParallelCompileTest, CollectsAndCompilesEverything) {
  expect_alike(neuron("collect count=25 " + kFolder), "written inputs");
  expect_alike(neuron("scan"), "remaining 25, locked 0, failed 0, done 0, total 25");
  expect_alike(neuron("compile-all workers=4"), "remaining 0, locked 0, failed 0, done 25");
  expect_alike(neuron("collect count=27 inputs=before-lock " + kFolder), "stat model.done: ok");
  expect_alike(neuron("compile-all workers=4 put=temp-rename"), "1 x compiled " + sample::kVersion);
  expect_alike(neuron("scan"), "done 27, total 27");
  close_and_compare();
}

// Failures are counted once and not tried again; what is locked is left to whoever has the lock.
TEST_P(ParallelCompileTest, FailuresAndLocksStay) {
  expect_alike(neuron("collect count=12 " + kFolder));
  expect_alike(neuron("compile ending=killed-compiling " + kModule + "5+e30acd3a"), "code -9");
  expect_alike(neuron("compile-all workers=3 fails=4"),
               "remaining 0, locked 1, failed 3, done 8, total 12");
  expect_alike(neuron("compile-all workers=3"),
               "remaining 0, locked 1, failed 3, done 8, total 12");
  expect_alike(maintenance("clear-locks"), "deleted");
  expect_alike(neuron("scan"), "remaining 1, locked 0");
  expect_alike(neuron("compile-all workers=2"), "remaining 0, locked 0, failed 3, done 9");
  close_and_compare();
}

// What clear-neffs leaves is marked as done and has no NEFF: work to be done, for the next walk.
TEST_P(ParallelCompileTest, ClearedNeffsAreWorkAgain) {
  expect_alike(neuron("collect count=3 " + kFolder));
  expect_alike(neuron("compile-all"), "done 3");
  expect_alike(maintenance("clear-neffs"), "MODULE_3+e30acd3a/model.neff");
  expect_alike(neuron("scan"), "remaining 3");
  expect_alike(neuron("compile " + kModule + "1+e30acd3a"), "outcome: hit ENOENT");
  close_and_compare();
}

}  // namespace
}  // namespace neffs::test
