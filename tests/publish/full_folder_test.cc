// A folder of the repo that takes no more names: what would go there stays here and says so, everything
// else goes on, and the Hub is not asked for each of them.
#include <algorithm>
#include <string>
#include <vector>

#include "tests/hub/sample_repo.h"
#include "tests/publish/publishing.h"

namespace neffs::test {
namespace {

constexpr std::size_t kRoom = 6;  // more than a module has files

// Of another compiler.
MadeModule made_elsewhere(unsigned number) {
  auto module = made_module(number);
  module.path = "neuronxcc-2.99.1+0123abcd" + module.path.substr(module.path.find('/'));
  return module;
}

class FullFolderTest : public PublishTest {
 protected:
  void SetUp() override { set_room(kRoom); }

  void set_room(std::size_t names) {
    auto behaviour = hub_.behaviour();
    behaviour.limits.directory_entries = names;
    hub_.set_behaviour(behaviour);
  }
  // Modules of somebody else, in the folder that made_module() is of.
  void fill(unsigned count) {
    std::vector<NewFile> files;
    for (unsigned i = 0; i < count; ++i)
      for (auto& file : files_to_commit(made_module(100 + i))) files.push_back(std::move(file));
    first_ = repo_.commit(files);
  }
  std::size_t commit_requests() { return hub_.traffic().count(Kind::kCommit); }

  static std::size_t kept_out(const Mount& mounted) {
    const auto push = mounted.status().at("push");
    const auto& modules = push.at("modules");
    return static_cast<std::size_t>(
        std::count_if(modules.begin(), modules.end(), [](const auto& module) {
          return module.at("state") == "failed" && module.at("error").is_string() &&
                 module.at("error").template get<std::string>().starts_with("folder full");
        }));
  }
  static bool has_pushed(const Mount& mounted, unsigned count) {
    return mounted.status().at("push").at("pushed") == count;
  }
};

TEST_F(FullFolderTest, HoldsUpNoOtherAndLosesNothing) {
  fill(kRoom);
  const auto mounted = mount_writing();
  for (unsigned i = 0; i < 4; ++i) compile_into(mounted->root(), made_module(i));
  for (unsigned i = 0; i < 2; ++i) compile_into(mounted->root(), made_elsewhere(i));
  ASSERT_TRUE(eventually([&] { return kept_out(*mounted) == 4 && has_pushed(*mounted, 2); }))
      << mounted->status().at("push").dump(1);
  const auto push = mounted->status().at("push");
  EXPECT_EQ(push.at("full_folders"), nlohmann::json::array({sample::kVersion}));
  EXPECT_EQ(push.at("state"), "ok");
  const auto& folders = push.at("folders");
  EXPECT_TRUE(std::any_of(folders.begin(), folders.end(), [](const auto& folder) {
    return folder.at("path") == sample::kVersion && folder.at("names") == kRoom;
  })) << folders.dump();
  EXPECT_LE(commit_requests(), 6U);

  const Ended doctor = neffs({"doctor", mounted->root().string()});
  EXPECT_EQ(doctor.exit_code, 1);
  EXPECT_NE(doctor.out.find("folder full"), std::string::npos) << doctor.out;

  // One more costs no request at all.
  const auto before = writing_requests(hub_);
  compile_into(mounted->root(), made_module(4));
  ASSERT_TRUE(eventually([&] { return kept_out(*mounted) == 5; }));
  EXPECT_EQ(writing_requests(hub_), before);
  for (unsigned i = 0; i < 5; ++i)
    EXPECT_EQ(files_in(mounted->root(), made_module(i)), made_module(i).files);

  // A flush asks again, once.
  const auto asked = commit_requests();
  const Ended ended = flush(*mounted);
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find("is failed: folder full: "), std::string::npos) << ended.err;
  EXPECT_GT(commit_requests(), asked);
  EXPECT_LE(commit_requests(), asked + 2);

  set_room(100);
  expect_flushed(*mounted);
  EXPECT_TRUE(mounted->status().at("push").at("full_folders").empty());
  const auto past = history();
  for (unsigned i = 0; i < 5; ++i) past.expect_once(made_module(i));
  for (unsigned i = 0; i < 2; ++i) past.expect_once(made_elsewhere(i));
}

TEST_F(FullFolderTest, IsFilledUpToItsLastPlace) {
  fill(kRoom - 2);
  const auto mounted = mount_writing({"settle=1"});
  for (unsigned i = 0; i < 5; ++i) compile_into(mounted->root(), made_module(i));
  EXPECT_TRUE(eventually([&] { return kept_out(*mounted) == 3 && has_pushed(*mounted, 2); }))
      << mounted->status().at("push").dump(1);
}

TEST_F(FullFolderTest, IsTriedAgainByTheNextMount) {
  fill(kRoom);
  {
    const auto mounted = mount_writing();
    compile_into(mounted->root(), made_module(0));
    ASSERT_TRUE(eventually([&] { return kept_out(*mounted) == 1; }));
    EXPECT_EQ(mounted->terminate(), 0);
  }
  set_room(100);
  const auto mounted = mount_writing();
  EXPECT_TRUE(eventually([&] { return has_pushed(*mounted, 1); }));
  history().expect_once(made_module(0));
}

}  // namespace
}  // namespace neffs::test
