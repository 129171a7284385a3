// The same on top of a repo with finished, failed, locked and half modules: what it shows is as good
// as local, what it hides is as good as absent.
#include <set>
#include <string>
#include <tuple>

#include "tests/neuron/neuron_test.h"

namespace neffs::test {
namespace {

struct RemoteModule {
  std::string name;
  std::string path;
  std::string lock;  // of the generation that made it
};
// For messages.
void PrintTo(const RemoteModule& module, std::ostream* out) {
  *out << module.path;
}

class RemoteModules : public NeuronTest,
                      public ::testing::WithParamInterface<std::tuple<std::string, RemoteModule>> {
 protected:
  void SetUp() override {
    NeuronTest::SetUp();
    if (IsSkipped()) return;
    open_on_sample_repo(std::get<0>(GetParam()));
    give_plain_folders();
  }
  static const std::string& path() { return std::get<1>(GetParam()).path; }
  static std::string words() {
    return " lock=" + std::get<1>(GetParam()).lock + " module=" + path();
  }
};

std::string name_of(const ::testing::TestParamInfo<RemoteModules::ParamType>& info) {
  return std::get<0>(info.param) + '_' + std::get<1>(info.param).name;
}

const auto kPassthrough = ::testing::Values("auto");
const auto kCopying = ::testing::Values("off");

class FinishedModules : public RemoteModules {};

const RemoteModule kTraining{"training", sample::kTrainingModule, "exclusive"};
const RemoteModule kInference{"inference", sample::kInferenceModule, "exclusive"};
const RemoteModule kLocked{"locked", sample::kFinishedLockedModule, "exclusive"};
const RemoteModule kPrevious{"previous", sample::kPreviousModule, "flock"};
const RemoteModule kUnmarked{"unmarked", sample::kOldModule, "lockf"};

INSTANTIATE_TEST_SUITE_P(Passthrough, FinishedModules,
                         ::testing::Combine(kPassthrough,
                                            ::testing::Values(kTraining, kInference, kLocked,
                                                              kPrevious, kUnmarked)),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Copying, FinishedModules,
                         ::testing::Combine(kCopying, ::testing::Values(kInference, kUnmarked)),
                         name_of);

TEST_P(FinishedModules, AreHits) {
  give_plain(path() + "/");
  for (const char* const take : {"copy", "read", "mmap", "link", "symlink"})
    expect_alike(neuron("compile take=" + std::string(take) + words()), "outcome: hit");
  expect_alike(neuron("compile enter=before-look inputs=before-lock" + words()), "outcome: hit");
  expect_same_tree(path());
  expect_only_questions();
}

TEST_P(FinishedModules, AreHitsUnderALocalLock) {
  give_plain(path() + "/");
  expect_alike(neuron("compile enter=before-look ending=killed-locked" + words()), "code -9");
  expect_alike(neuron("compile" + words()), "outcome: hit");
  expect_alike(neuron("compile enter=before-look patience=2" + words()), "outcome: locked");
  // Any text will do in the place of inputs that somebody writes again, and of a log.
  for (const char* const name : {"/compile_flags.json", "/model.hlo_module.pb", "/model.log"})
    expect_alike(shell("cp " NEFFS_NEURON_SCRIPTS "/optimum.py {cache}/" + path() + name));
  expect_alike(neuron("compile" + words()), "outcome: hit");
  expect_same_tree(path());
  expect_alike(maintenance("clear-locks"), "model.hlo_module.pb.lock");
  expect_alike(neuron("compile enter=before-look" + words()), "outcome: hit");
  expect_same_tree(path());
}

// SEMANTICS 5: the first output makes the module wholly local; the others are not the repo's then.
TEST_P(FinishedModules, AreHiddenByALocalOutput) {
  write_file(mounted(path() + "/model.neff"), "compiled here");
  EXPECT_EQ(names_in(mounted(path())), std::set<std::string>{"model.neff"});
  mount_again();
  EXPECT_EQ(names_in(mounted(path())), std::set<std::string>{"model.neff"});
  expect_no_downloads();
}

// All at the same moment, of two users: one download.
TEST_P(FinishedModules, AreHitsForManyWorkers) {
  give_plain(path() + "/");
  expect_alike(neuron("workers count=32 enter=before-look uids=0,65534" + words()), "32 x hit");
  EXPECT_EQ(downloads_of(path() + "/model.neff"), 1U);
}

class HiddenModules : public RemoteModules {};

const RemoteModule kFailed{"failed", sample::kFailedModule, "exclusive"};
const RemoteModule kOnlyLocked{"locked", sample::kLockedModule, "exclusive"};
const RemoteModule kHalf{"half", sample::kHalfModule, "exclusive"};
const RemoteModule kOldFailed{"failed_unmarked", sample::kOldFailedModule, "flock"};
const RemoteModule kLongFailed{"long_failed", sample::kOldLongFailedModule, "lockf"};

INSTANTIATE_TEST_SUITE_P(Passthrough, HiddenModules,
                         ::testing::Combine(kPassthrough,
                                            ::testing::Values(kFailed, kOnlyLocked, kHalf,
                                                              kOldFailed, kLongFailed)),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Copying, HiddenModules,
                         ::testing::Combine(kCopying, ::testing::Values(kFailed, kOldFailed)),
                         name_of);

// A lock, inputs, a failure or a retry on top bring nothing of the repo's entry to light.
TEST_P(HiddenModules, AreMisses) {
  expect_same_tree(path());
  expect_alike(neuron("compile ending=killed-locked" + words()), "exit code -9");
  expect_alike(neuron("compile patience=2" + words()), "outcome: locked");
  expect_same_tree(path());
  expect_alike(maintenance("clear-locks"), "deleted");
  expect_alike(neuron("compile ending=failure" + words()), "outcome: failed");
  expect_alike(neuron("compile" + words()), "outcome: failed before");
  expect_same_tree(path());
  expect_alike(neuron("compile retry=delete-log wrapped=after-unlock" + words()),
               "outcome: compiled");
  expect_same_tree(path());
  mount_again();
  expect_alike(neuron("compile take=mmap" + words()), "outcome: hit");
  expect_same_tree(path());
  expect_only_questions();
}

TEST_P(HiddenModules, AreCompiledOnceByManyWorkers) {
  expect_alike(neuron("workers count=32 inputs=before-lock" + words()), "31 x hit");
  expect_same_tree(path());
}

const std::string kVersion = sample::kVersion;

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

// upload_folder opens every file it finds: of modules, those that are here; of a repo's root, none.
TEST_P(RemoteScans, AnUploadReadsNoRemoteModule) {
  give_plain(kVersion + "/0_REGISTRY/");
  expect_alike(neuron("compile lock=flock module=" + sample::kFailedModule), "compiled");
  expect_alike(optimum("registry " + kVersion), "alias exists: False");
  expect_alike(optimum("traced " + kVersion), "loaded:");
  hub_.traffic().reset();
  expect_alike(shell("rm -rf {cache}/" + kVersion + "/0_REGISTRY"), "exit code 0");
  expect_alike(optimum("upload " + kVersion), "model.neff True");
  EXPECT_EQ(downloads_of("/MODULE_"), 0U);
  expect_only_questions();
}

}  // namespace
}  // namespace neffs::test
