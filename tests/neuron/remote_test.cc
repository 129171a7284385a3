// The same on top of a repo with finished, failed, locked and half modules: what it shows is as good
// as local, what it hides is as good as absent.
#include <sys/stat.h>

#include <set>
#include <string>
#include <tuple>

#include "tests/neuron/neuron_test.h"

namespace neffs::test {
namespace {

struct RemoteModule {
  const char* name;
  std::string path;
  std::string lock;  // of the generation that made it
};
// For messages.
void PrintTo(const RemoteModule& module, std::ostream* out) {
  *out << module.path;
}

class RemoteModules : public NeuronTest,
                      public ::testing::WithParamInterface<std::tuple<const char*, RemoteModule>> {
 protected:
  void SetUp() override {
    NeuronTest::SetUp();
    if (IsSkipped()) return;
    open_on_sample_repo(std::get<0>(GetParam()));
    give_plain_folders();
  }
  static const RemoteModule& module() { return std::get<1>(GetParam()); }
  static std::string words() { return " lock=" + module().lock + " module=" + module().path; }
  // Everything that people write into a module without making it theirs.
  void write_inputs_here() {
    expect_alike(shell("cp " NEFFS_NEURON_SCRIPTS "/optimum.py {cache}/" + module().path +
                       "/compile_flags.json"));
    expect_alike(
        shell("cp " NEFFS_NEURON_SCRIPTS "/optimum.py {cache}/" + module().path + "/model.log"));
  }
};

std::string name_of(const ::testing::TestParamInfo<RemoteModules::ParamType>& info) {
  return std::string(std::get<0>(info.param)) + "_" + std::get<1>(info.param).name;
}

class FinishedModules : public RemoteModules {};

INSTANTIATE_TEST_SUITE_P(
    All, FinishedModules,
    ::testing::Combine(
        ::testing::Values("auto", "off"),
        ::testing::Values(RemoteModule{"training", sample::kTrainingModule, "exclusive"},
                          RemoteModule{"inference", sample::kInferenceModule, "exclusive"},
                          RemoteModule{"locked", sample::kFinishedLockedModule, "exclusive"},
                          RemoteModule{"previous", sample::kPreviousModule, "flock"},
                          RemoteModule{"unmarked", sample::kOldModule, "lockf"})),
    name_of);

TEST_P(FinishedModules, AreHits) {
  give_plain(module().path + "/");
  for (const char* const take : {"copy", "read", "mmap", "link", "symlink"})
    expect_alike(neuron("compile take=" + std::string(take) + words()), "outcome: hit");
  expect_alike(neuron("compile enter=before-look inputs=before-lock" + words()), "outcome: hit");
  expect_same_tree(module().path);
  expect_only_questions();
}

TEST_P(FinishedModules, AreHitsUnderALocalLock) {
  give_plain(module().path + "/");
  expect_alike(neuron("compile enter=before-look ending=killed-locked" + words()), "code -9");
  expect_alike(neuron("compile" + words()), "outcome: hit");
  expect_alike(neuron("compile enter=before-look patience=2" + words()), "outcome: locked");
  write_inputs_here();
  expect_alike(neuron("compile" + words()), "outcome: hit");
  expect_same_tree(module().path);
  expect_alike(maintenance("clear-locks"), "model.hlo_module.pb.lock");
  expect_alike(neuron("compile enter=before-look" + words()), "outcome: hit");
  expect_same_tree(module().path);
}

// Contract 4.7: the first output makes the module wholly local; the others are not the repo's then.
TEST_P(FinishedModules, AreHiddenByALocalOutput) {
  write_file(mounted(module().path + "/model.neff"), "compiled here");
  EXPECT_EQ(names_in(mounted(module().path)), std::set<std::string>{"model.neff"});
  mount_again();
  EXPECT_EQ(names_in(mounted(module().path)), std::set<std::string>{"model.neff"});
  expect_no_downloads();
}

// All at the same moment, of two users: one download.
TEST_P(FinishedModules, AreHitsForManyWorkers) {
  give_plain(module().path + "/");
  expect_alike(neuron("workers count=32 enter=before-look uids=0,65534" + words()), "32 x hit");
  EXPECT_EQ(downloads_of(module().path + "/model.neff"), 1U);
}

class HiddenModules : public RemoteModules {};

INSTANTIATE_TEST_SUITE_P(
    All, HiddenModules,
    ::testing::Combine(
        ::testing::Values("auto", "off"),
        ::testing::Values(RemoteModule{"failed", sample::kFailedModule, "exclusive"},
                          RemoteModule{"locked", sample::kLockedModule, "exclusive"},
                          RemoteModule{"half", sample::kHalfModule, "exclusive"},
                          RemoteModule{"failed_unmarked", sample::kOldFailedModule, "flock"},
                          RemoteModule{"long_failed", sample::kOldLongFailedModule, "lockf"})),
    name_of);

// A lock, inputs, a failure or a retry on top bring nothing of the repo's entry to light.
TEST_P(HiddenModules, AreMisses) {
  expect_same_tree(module().path);
  expect_alike(neuron("compile ending=killed-locked" + words()), "exit code -9");
  expect_alike(neuron("compile patience=2" + words()), "outcome: locked");
  expect_same_tree(module().path);
  expect_alike(maintenance("clear-locks"), "deleted");
  expect_alike(neuron("compile ending=failure" + words()), "outcome: failed");
  expect_alike(neuron("compile" + words()), "outcome: failed before");
  expect_same_tree(module().path);
  expect_alike(neuron("compile retry=delete-log wrapped=after-unlock" + words()),
               "outcome: compiled");
  expect_same_tree(module().path);
  mount_again();
  expect_alike(neuron("compile take=mmap" + words()), "outcome: hit");
  expect_same_tree(module().path);
  expect_only_questions();
}

TEST_P(HiddenModules, AreCompiledOnceByManyWorkers) {
  expect_alike(neuron("workers count=32 inputs=before-lock" + words()), "31 x hit");
  expect_same_tree(module().path);
}

class RemoteScans : public NeuronTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    NeuronTest::SetUp();
    if (IsSkipped()) return;
    open_on_sample_repo(GetParam());
    give_plain_folders();
  }
};
NEFFS_BOTH_WAYS(RemoteScans);

const std::string kVersion = sample::kVersion;

// Strangers' graphs are neither listed nor compiled, and nothing is downloaded.
TEST_P(RemoteScans, ParallelCompileSeesLocalModulesOnly) {
  expect_alike(neuron("collect count=6 folder=" + kVersion), "written inputs");
  expect_alike(neuron("scan"), "remaining 6, locked 0, failed 0, done 0, total 6");
  expect_alike(neuron("compile-all workers=3 fails=5"), "failed 1, done 5, total 6");
  expect_alike(optimum("status " + kVersion), "('failed', (1, ");
  expect_alike(optimum("cleanup " + kVersion), "failed " + kVersion + "/MODULE_5+e30acd3a");
  expect_alike(maintenance("clear-locks"));
  expect_alike(shell("find {cache} -name MODULE_*"));
  expect_alike(neuron("scan"), "remaining 0, locked 0, failed 0, done 5, total 5");
  EXPECT_EQ(command({"du", "-s", mounted().string()}).exit_code, 0);
  expect_no_downloads();
}

// A used module is one of those that are listed; all of it, and no other.
TEST_P(RemoteScans, UsedModulesAreListed) {
  give_plain(sample::kInferenceModule + "/");
  expect_alike(neuron("compile module=" + sample::kInferenceModule), "outcome: hit");
  wait_until_placed(sample::kInferenceModule);
  hub_.traffic().reset();
  expect_alike(neuron("scan"), "remaining 0, locked 0, failed 0, done 1, total 1");
  expect_alike(optimum("status " + kVersion), "('success', (1, ");
  expect_no_downloads();
}

// upload_folder opens every file it finds: of modules, those that are here.
TEST_P(RemoteScans, AnUploadReadsNoRemoteModule) {
  for (const std::string& path :
       {std::string(".gitattributes"), std::string("README.md"), std::string("registry.json"),
        std::string("inference-cache-config/"), kVersion + "/0_REGISTRY/"})
    give_plain(path);
  expect_alike(neuron("compile lock=flock module=" + sample::kFailedModule), "compiled");
  expect_alike(optimum("registry " + kVersion), "alias exists: False");
  expect_alike(optimum("traced " + kVersion), "loaded:");
  hub_.traffic().reset();
  expect_alike(shell("rm -rf {cache}/" + kVersion + "/0_REGISTRY"), "exit code 0");
  expect_alike(optimum("upload " + kVersion), "README.md True");
  EXPECT_EQ(downloads_of("/MODULE_"), 0U);
  expect_only_questions();
}

}  // namespace
}  // namespace neffs::test
