// The branch moves while it is mounted.
#include <cerrno>
#include <string>

#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

const std::string kModule = sample::kVersion + "/MODULE_4711+e30acd3a";
const std::string kOther = sample::kVersion + "/MODULE_4712+e30acd3a";

std::vector<NewFile> module_of(const std::string& path, const std::string& text) {
  return {{path + "/compile_flags.json", "[]"},
          {path + "/model.neff", text + std::string(200, '\1'), true},
          {path + "/model.done", ""}};
}

class MovingHeadTest : public MountTestBothWays {
 protected:
  MovingHeadTest() { repo_.commit(module_of(kModule, "one")); }

  std::unique_ptr<Mount> mount_with(std::vector<std::string> options) {
    options.push_back(way());
    return mount_as({.source = "team/cache", .options = std::move(options)});
  }
  static std::string neff(const Mount& mounted, const std::string& module) {
    return read_file(mounted / (module + "/model.neff")).text.substr(0, 3);
  }

  TestRepo& repo_ = hub_.create_repo("team/cache");
};
NEFFS_BOTH_WAYS(MovingHeadTest);

// SEMANTICS 2: a copy follows its source, without mounting again.
TEST_P(MovingHeadTest, WhatOthersPushIsThere) {
  const auto mounted = mount_with({"poll=0.1", "miss_check=0.1"});
  EXPECT_EQ(neff(*mounted, kModule), "one");
  EXPECT_EQ(stat_error(*mounted / (kOther + "/model.done")), ENOENT);
  repo_.commit(module_of(kOther, "new"));
  EXPECT_TRUE(eventually([&] { return stat_error(*mounted / (kOther + "/model.done")) == 0; }));
  EXPECT_EQ(neff(*mounted, kOther), "new");
  repo_.commit(module_of(kModule, "two"));
  EXPECT_TRUE(eventually([&] { return neff(*mounted, kModule) == "two"; }));
  EXPECT_EQ(neff(*mounted, kOther), "new");
  repo_.commit({}, {kModule + "/"});
  EXPECT_TRUE(
      eventually([&] { return stat_error(*mounted / (kModule + "/model.done")) == ENOENT; }));
  EXPECT_TRUE(
      eventually([&] { return stat_error(mounted->layer(kModule + "/model.neff")) == ENOENT; }));
  EXPECT_EQ(mounted->status().at("sources").at(0).at("commit"), repo_.head());
}

// A compile costs minutes, the question one request.
TEST_P(MovingHeadTest, AMissIsToldFromAFreshHead) {
  const auto mounted = mount_with({"poll=3600", "miss_check=0"});
  EXPECT_EQ(stat_error(*mounted / (kOther + "/model.done")), ENOENT);
  repo_.commit(module_of(kOther, "new"));
  EXPECT_EQ(stat_error(*mounted / (kOther + "/model.done")), 0);
  EXPECT_EQ(neff(*mounted, kOther), "new");
}

TEST_P(MovingHeadTest, WhoeverDoesNotAskIsNotTold) {
  const auto mounted = mount_with({"poll=3600", "miss_check=3600"});
  expect_misses_ask_nobody(*mounted);
}

// A branch that was squashed has nothing to be compared with.
TEST_P(MovingHeadTest, ABranchWithAnotherHistoryIsFollowedToo) {
  auto behaviour = hub_.behaviour();
  behaviour.answers_compare = false;
  hub_.set_behaviour(behaviour);
  const auto mounted = mount_with({"poll=0.1", "miss_check=0.1"});
  EXPECT_EQ(neff(*mounted, kModule), "one");
  repo_.commit(module_of(kModule, "two"));
  EXPECT_TRUE(eventually([&] { return neff(*mounted, kModule) == "two"; }));
}

// SEMANTICS 2, 7: only a tree that was read removes anything.
TEST_P(MovingHeadTest, AHubThatGoesAwayTakesNothingAlong) {
  const auto mounted = mount_with({"poll=0.1", "miss_check=0.1", "hub_timeout=0.5"});
  EXPECT_EQ(neff(*mounted, kModule), "one");
  hub_.stop();
  EXPECT_TRUE(
      eventually([&] { return mounted->status().at("sources").at(0).at("state") == "offline"; }));
  EXPECT_EQ(neff(*mounted, kModule), "one");
  EXPECT_EQ(stat_error(*mounted / (kOther + "/model.done")), ENOENT);
  repo_.commit(module_of(kOther, "new"));
  start_hub_again();
  EXPECT_TRUE(eventually([&] { return stat_error(*mounted / (kOther + "/model.done")) == 0; },
                         std::chrono::seconds(60)));
}

}  // namespace
}  // namespace neffs::test
