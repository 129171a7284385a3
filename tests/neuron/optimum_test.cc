// What optimum-neuron, and people who maintain a cache, do to it.
#include <sys/mount.h>

#include <string>

#include "tests/neuron/neuron_test.h"

namespace neffs::test {
namespace {

const std::string kFolder = sample::kVersion;
const std::string kModule = "module=" + kFolder + "/MODULE_";

class OptimumTest : public NeuronTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    NeuronTest::SetUp();
    if (!IsSkipped()) open_on_empty_repo(GetParam());
  }
  // One finished entry, one failed, one locked, one that has only its inputs, and an old lock.
  void make_entries() {
    expect_alike(neuron("collect count=1 folder=" + kFolder));
    expect_alike(neuron("compile wrapped=before-unlock " + kModule + "2+e30acd3a"), "compiled");
    expect_alike(neuron("compile ending=failure " + kModule + "3+e30acd3a"), "failed");
    expect_alike(neuron("compile ending=killed-compiling " + kModule + "4+e30acd3a"), "code -9");
    expect_alike(
        neuron("compile lock=flock module=neuronxcc-2.14.227.0+2d4f85be/MODULE_5+2c2d707e"),
        "compiled");
  }
};
NEFFS_BOTH_WAYS(OptimumTest);

// The alias is a symlink to an absolute path inside the cache.
TEST_P(OptimumTest, RegistryAndItsAlias) {
  expect_alike(optimum("registry " + kFolder), "model by its alias: org/model");
  expect_alike(optimum("registry " + kFolder), "alias exists: True");
  expect_alike(optimum("registry " + kFolder + " other/model"), "alias exists: False");
  close_and_compare();
}

// A traced model arrives by copytree, twice, and is loaded from the cache.
TEST_P(OptimumTest, ATracedModel) {
  expect_alike(optimum("traced " + kFolder), "other times: []");
  expect_alike(optimum("traced " + kFolder), "cached: True");
  close_and_compare();
}

// The walks over everything, and the deletes before a synchronisation.
TEST_P(OptimumTest, WalksAndCleanup) {
  make_entries();
  expect_alike(optimum("registry " + kFolder), "model by its alias");
  expect_alike(optimum("status " + kFolder), "('success', (1, ");
  expect_alike(optimum("cleanup " + kFolder), "stale model.hlo_module.pb.lock");
  expect_alike(optimum("status " + kFolder), "('empty', (3, ");
  expect_alike(optimum("upload " + kFolder), "wrapped_neff.hlo True");
  expect_alike(shell("find {cache} -name *.lock"), "exit code 0");
  expect_alike(shell("test -r {cache} -a -w {cache}"), "exit code 0");  // as DJL asks
  close_and_compare();
}

TEST_P(OptimumTest, QuarantineAndRemoval) {
  make_entries();
  const std::string module = "{cache}/" + kFolder + "/MODULE_2+e30acd3a";
  expect_alike(shell("mv " + module + " " + module + ".bad"), "exit code 0");
  expect_alike(neuron("compile " + kModule + "2+e30acd3a"), "outcome: compiled");
  expect_alike(shell("cp -a " + module + " " + module + ".copy"), "exit code 0");
  expect_alike(shell("rm -rf " + module), "exit code 0");
  expect_alike(neuron("scan"), "MODULE_2+e30acd3a.bad");
  expect_alike(neuron("compile " + kModule + "2+e30acd3a"), "outcome: compiled");
  expect_alike(shell("rm -rf {cache}/" + kFolder), "exit code 0");
  expect_alike(neuron("compile " + kModule + "2+e30acd3a"), "outcome: compiled");
  close_and_compare();
}

// rmtree of the cache itself: on a mountpoint the last rmdir is EBUSY, so the plain directory is
// made one too.
TEST_P(OptimumTest, CleanEmptiesTheCache) {
  ASSERT_EQ(::mount(plain().c_str(), plain().c_str(), nullptr, MS_BIND, nullptr), 0);
  make_entries();
  expect_alike(maintenance("clean"), "EBUSY .\nleft: []");
  expect_same_tree();
  make_entries();
  expect_same_tree();
  ASSERT_EQ(::umount(plain().c_str()), 0);
  close_and_compare();
}

}  // namespace
}  // namespace neffs::test
