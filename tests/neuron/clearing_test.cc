// Deletes and renames on top of a repo: they are local, they hide what the repo has, and what was
// deleted can be compiled again. SEMANTICS 6.
#include <sys/mount.h>

#include <string>
#include <vector>

#include "tests/neuron/neuron_test.h"

namespace neffs::test {
namespace {

const std::string kVersion = sample::kVersion;
const std::string kTraining = sample::kTrainingModule;
const std::string kInference = sample::kInferenceModule;

// The plain directory has all that the mount shows, from the beginning.
class ClearingTest : public NeuronTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    NeuronTest::SetUp();
    if (IsSkipped()) return;
    open_on_sample_repo(GetParam());
    give_plain();
  }
  void use(const std::string& module) {
    expect_alike(neuron("compile module=" + module), "outcome: hit");
    wait_until_placed(module);
  }
  static Step move(const std::string& module, const std::string& ending) {
    return {"mv", "{cache}/" + module, "{cache}/" + module + ending};
  }
  void expect_compiled_again(const std::string& module) {
    expect_same_tree(module);
    expect_alike(neuron("compile wrapped=before-unlock module=" + module), "outcome: compiled");
    expect_alike(neuron("compile take=mmap module=" + module), "outcome: hit");
    expect_same_tree(module);
    mount_again();
    expect_same_tree(module);
  }
};
NEFFS_BOTH_WAYS(ClearingTest);

TEST_P(ClearingTest, AModuleThatNobodyHasUsed) {
  expect_alike(shell("rm -rf {cache}/" + kTraining), "exit code 0");
  expect_compiled_again(kTraining);
  expect_no_downloads();
}

TEST_P(ClearingTest, AModuleThatWasUsed) {
  use(kInference);
  expect_alike(shell("rm -r {cache}/" + kInference), "exit code 0");
  expect_same_tree(kInference);
  mount_again();
  expect_compiled_again(kInference);
  expect_only_questions();
}

// While what was fetched is still getting its names in the layer.
TEST_P(ClearingTest, ModulesThatHaveJustBeenRead) {
  const std::vector<std::string> modules{kTraining, sample::kTransformerModule, kInference,
                                         sample::kFinishedLockedModule, sample::kPreviousModule};
  for (const std::string& module : modules) {
    const std::string read_and_delete = "cd {cache}/$0 && cat * | sha256sum; rm -r {cache}/$0";
    expect_alike({"/bin/sh", "-c", read_and_delete, module}, "exit code 0");
  }
  mount_again();
  for (const std::string& module : modules) expect_same_tree(module);
  expect_only_questions();
}

TEST_P(ClearingTest, ATracedModule) {
  expect_alike(shell("rm -rf {cache}/" + sample::kTracedModule), "exit code 0");
  expect_same_tree(sample::kTracedModule);
  expect_alike(shell("ls {cache}/" + sample::kTracedModule), "No such file");
  mount_again();
  expect_same_tree(sample::kTracedModule);
  expect_no_downloads();
}

// A wrong NEFF alone: what is left stays as it is.
TEST_P(ClearingTest, TheNeffOfAModule) {
  use(kTraining);
  expect_alike(shell("rm {cache}/" + kTraining + "/model.neff"), "exit code 0");
  expect_same_tree(kTraining);
  expect_alike(neuron("compile module=" + kTraining), "outcome: hit ENOENT");
  expect_alike(shell("rm {cache}/" + kTraining + "/model.done"), "exit code 0");
  expect_compiled_again(kTraining);
}

// mv MODULE MODULE.bad: by renaming where it was compiled here, by copying where it was not.
TEST_P(ClearingTest, Quarantine) {
  for (const std::string& module : {kTraining, sample::kPreviousModule}) {
    expect_alike(move(module, ".bad"), "exit code 0");
    expect_same_tree(module + ".bad");
    expect_compiled_again(module);
    expect_alike(move(module, ".worse"), "exit code 0");
    expect_same_tree(module + ".worse");
    expect_compiled_again(module);
  }
  expect_only_questions();
}

// A failed entry of one's own, over one of the repo's: neither is left.
TEST_P(ClearingTest, CleanupOfAFailedEntry) {
  expect_alike(neuron("compile ending=failure module=" + sample::kFailedModule), "failed");
  expect_alike(shell("rm -rf {cache}/" + sample::kFailedModule), "exit code 0");
  expect_compiled_again(sample::kFailedModule);
  expect_no_downloads();
}

// Clearing a cache must not turn every hit of a team into an hour of compilation: when the folder
// is made again, what the repo has in it is there.
TEST_P(ClearingTest, ACompilerFolder) {
  use(kInference);
  expect_alike(shell("rm -rf {cache}/" + kTraining), "exit code 0");
  expect_alike(shell("rm -rf {cache}/" + kVersion), "exit code 0");
  expect_same_tree(kVersion);
  mount_again();
  expect_same_tree(kVersion);
  expect_alike(neuron("compile module=" + kVersion + "/MODULE_1+e30acd3a"), "outcome: compiled");
  give_plain(kVersion + "/MODULE_");
  for (const std::string& module : {kTraining, kInference}) {
    expect_alike(neuron("compile module=" + module), "outcome: hit");
    expect_same_tree(module);
  }
  expect_alike(neuron("compile module=" + sample::kFailedModule), "outcome: compiled");
  expect_same_tree(sample::kPreviousModule);
  expect_only_questions();
}

TEST_P(ClearingTest, Everything) {
  std::filesystem::remove(plain() /
                          ".gitattributes");  // the mount does not list it, and * never means it
  use(kInference);
  expect_alike(neuron("compile lock=flock module=" + sample::kFailedModule), "outcome: compiled");
  expect_alike({"/bin/sh", "-c", "rm -rf {cache}/*"}, "exit code 0");
  expect_same_tree();
  mount_again();
  expect_same_tree();
  expect_alike(neuron("compile lock=flock module=neuronxcc-2.1+1/MODULE_1+e30acd3a"), "compiled");
  expect_same_tree();
  expect_only_questions();
}

// shutil.rmtree of the cache itself; the plain directory is made a mountpoint too, so that both
// answer EBUSY at the end.
TEST_P(ClearingTest, Clean) {
  ASSERT_EQ(::mount(plain().c_str(), plain().c_str(), nullptr, MS_BIND, nullptr), 0);
  expect_alike(neuron("compile module=" + kVersion + "/MODULE_1+e30acd3a"), "outcome: compiled");
  expect_alike(maintenance("clean"), "EBUSY .\nleft: []");
  expect_same_tree();
  EXPECT_EQ(::umount(plain().c_str()), 0);
  expect_no_downloads();
}

}  // namespace
}  // namespace neffs::test
