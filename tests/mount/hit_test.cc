// A hit as libneuronxla makes it, in both generations of its locking.
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <set>
#include <string>

#include "tests/hub/digest.h"
#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

constexpr const char* kNobody = "65534";

class HitTest : public MountTestBothWays {
 protected:
  HitTest() { sample::create(hub_); }

  // What a user says who has read the module's NEFF.
  static std::string neff_of(const std::string& module) {
    return digest_hex(DigestKind::kSha256, sample::bytes_of(module + "/model.neff")) + "\n";
  }
  void expect_all_say(const std::vector<std::unique_ptr<Child>>& users, const std::string& text) {
    for (const auto& user : users) {
      ASSERT_TRUE(user->wait());
      EXPECT_EQ(user->out(), text) << user->err();
    }
  }
};
NEFFS_BOTH_WAYS(HitTest);

// SEMANTICS 13: the lock of the whole cache excludes all processes of the host, whoever they are.
TEST_P(HitTest, OldGenerationLocksTheWholeCache) {
  const auto mounted = mount({way()});
  const std::string counter = (scratch_ / "counter").string();
  write_file(counter, "0");
  std::filesystem::permissions(counter, std::filesystem::perms(0666));
  std::vector<std::unique_ptr<Child>> users;
  for (int i = 0; i < 8; ++i)
    users.push_back(start_user({"--uid", i % 2 == 0 ? "0" : kNobody, "hit-old",
                                mounted->root().string(), sample::kTrainingModule, counter}));
  expect_all_say(users, neff_of(sample::kTrainingModule));
  EXPECT_EQ(read_file(counter).text, "8");
  EXPECT_EQ(hub_.traffic().count(
                {.kind = Kind::kCdnGet, .text = sample::kTrainingModule + "/model.neff"}),
            1U);
}

// SEMANTICS 12 and 13: a hit may make its lock in a directory that only the repo has, and only one
// process at a time gets it.
TEST_P(HitTest, NewGenerationLocksInsideTheModule) {
  const auto mounted = mount({way()});
  std::vector<std::unique_ptr<Child>> users;
  for (int i = 0; i < 32; ++i)
    users.push_back(start_user({"--uid", i % 2 == 0 ? "0" : kNobody, "hit-new",
                                mounted->root().string(), sample::kInferenceModule}));
  expect_all_say(users, neff_of(sample::kInferenceModule));
  EXPECT_EQ(stat_error(*mounted / (sample::kInferenceModule + "/model.hlo_module.pb.lock")),
            ENOENT);
  EXPECT_EQ(hub_.traffic().count(
                {.kind = Kind::kCdnGet, .text = sample::kInferenceModule + "/model.neff"}),
            1U);
}

// SEMANTICS 7: a local lock does not shadow the remote module it is in.
TEST_P(HitTest, ALockShadowsNothing) {
  const auto mounted = mount({way()});
  const auto file = [&](const std::string& name) {
    return *mounted / (sample::kFinishedLockedModule + "/" + name);
  };
  EXPECT_EQ(stat_error(file("model.hlo_module.pb.lock")), ENOENT);  // the repo's own is not ours
  const auto lock = open_file(file("model.hlo_module.pb.lock"), O_WRONLY | O_CREAT | O_EXCL);
  EXPECT_EQ(open_error(file("model.hlo_module.pb.lock"), O_WRONLY | O_CREAT | O_EXCL), EEXIST);
  const std::set<std::string> names{"compile_flags.json", "model.done", "model.hlo_module.pb",
                                    "model.hlo_module.pb.lock", "model.neff"};
  EXPECT_EQ(names_in(*mounted / sample::kFinishedLockedModule), names);
  EXPECT_EQ(stat_error(file("model.done")), 0);
  EXPECT_EQ(read_file(file("model.neff")).text,
            sample::bytes_of(sample::kFinishedLockedModule + "/model.neff"));
  EXPECT_EQ(::unlink(file("model.hlo_module.pb.lock").c_str()), 0);
  EXPECT_EQ(stat_error(file("model.hlo_module.pb.lock")), ENOENT);
  EXPECT_EQ(stat_error(file("model.done")), 0);
}

// SEMANTICS 12: a new file is its creator's, the silent twin of a remote directory is not.
TEST_P(HitTest, WhatAUserMakesIsHis) {
  const auto mounted = mount({way()});
  auto user = start_user({"--uid", kNobody, "hit-old", mounted->root().string(),
                          sample::kTrainingModule, (scratch_ / "home").string()});
  ASSERT_TRUE(user->wait());
  struct stat st {};
  ASSERT_EQ(::stat((*mounted / "lock").c_str(), &st), 0);
  EXPECT_EQ(st.st_uid, 65534U);
  ASSERT_EQ(::stat((*mounted / sample::kTrainingModule).c_str(), &st), 0);
  EXPECT_EQ(st.st_uid, 0U);
  EXPECT_EQ(st.st_mode & 0777U, 0777U);
}

// SEMANTICS 7: inputs written again, as a retry does, hide nothing; an output makes it all local.
TEST_P(HitTest, InputsShadowNothingAndOutputsEverything) {
  const auto mounted = mount({way()});
  const auto file = [&](const std::string& name) {
    return *mounted / (sample::kTrainingModule + "/" + name);
  };
  write_file(file("compile_flags.json"), "[]");
  write_file(file("model.log"), "noise");
  EXPECT_EQ(read_file(file("compile_flags.json")).text, "[]");
  EXPECT_EQ(stat_error(file("model.done")), 0);
  EXPECT_EQ(read_file(file("model.neff")).text,
            sample::bytes_of(sample::kTrainingModule + "/model.neff"));

  const auto other = [&](const std::string& name) {
    return *mounted / (sample::kPreviousModule + "/" + name);
  };
  write_file(other("model.neff"), "compiled here");
  EXPECT_EQ(read_file(other("model.neff")).text, "compiled here");
  EXPECT_EQ(stat_error(other("model.done")), ENOENT);
  EXPECT_EQ(names_in(*mounted / sample::kPreviousModule), std::set<std::string>{"model.neff"});
}

}  // namespace
}  // namespace neffs::test
