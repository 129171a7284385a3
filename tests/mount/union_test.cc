// Several sources: the first that has a module finished gives all of it, and who does not answer is passed over.
#include <cerrno>
#include <set>
#include <string>

#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

using nlohmann::json;
using std::chrono::seconds;

const std::string kModule = sample::kVersion + "/MODULE_4711+e30acd3a";
const std::string kOther = sample::kVersion + "/MODULE_4712+e30acd3a";
const std::string kRegistry = sample::kVersion + "/0_REGISTRY/0.4.5";
const std::string kBoth = "team/cache,lab/cache";

std::vector<NewFile> module_of(const std::string& path, const std::string& text) {
  return {{path + "/compile_flags.json", "[\"" + text + "\"]"},
          {path + "/model.hlo_module.pb", "hlo " + text, true},
          {path + "/model.neff", text + std::string(3000, '\1'), true},
          {path + "/model.done", ""}};
}

std::vector<NewFile> without(std::vector<NewFile> files, const std::string& name) {
  std::erase_if(files, [&](const NewFile& file) { return file.path.ends_with(name); });
  return files;
}

class UnionMountTest : public MountTest {
 protected:
  std::unique_ptr<Mount> mount_both(std::vector<std::string> options = {},
                                    Variables variables = {}) {
    return mount_as(
        {.source = kBoth, .options = std::move(options), .variables = std::move(variables)});
  }
  // Which of the repos the whole module is from: the text of its files.
  static std::string whose(const Mount& mounted, const std::string& module) {
    if (stat_error(mounted / (module + "/model.done")) != 0) return "absent";
    const auto neff = read_file(mounted / (module + "/model.neff")).text;
    const auto text = neff.substr(0, neff.find('\1'));
    const bool is_whole =
        read_file(mounted / (module + "/compile_flags.json")).text == "[\"" + text + "\"]" &&
        read_file(mounted / (module + "/model.hlo_module.pb")).text == "hlo " + text;
    return is_whole ? text : "mixed";
  }
  json explain(const Mount& mounted, const std::string& path) const {
    const Ended ended = neffs({"explain", path, "--mountpoint", mounted.root().string(), "--json"});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    return json::parse(ended.out);
  }
  // Requests about the repo; all of them if `kind` is unset.
  std::size_t asked(const std::string& repo, std::optional<Kind> kind = {}) {
    return hub_.traffic().count({.kind = kind, .text = repo});
  }
  void expect_state(const Mount& mounted, std::size_t which, const std::string& state) {
    EXPECT_TRUE(eventually([&] {
      return mounted.status().at("sources").at(which).at("state") == state;
    })) << mounted.status().at("sources").dump(1);
  }

  TestRepo& first_ = hub_.create_repo("team/cache");
  TestRepo& second_ = hub_.create_repo("lab/cache");
};

class UnionBothWays : public UnionMountTest, public ::testing::WithParamInterface<const char*> {
 protected:
  std::string way() const { return std::string("passthrough=") + GetParam(); }
};
NEFFS_BOTH_WAYS(UnionBothWays);

TEST_P(UnionBothWays, EachModuleIsOfTheFirstThatHasItFinished) {
  first_.commit(module_of(kModule, "first"));
  second_.commit(module_of(kModule, "second"));
  second_.commit(module_of(kOther, "second"));
  const auto mounted = mount_both({way()});
  EXPECT_EQ(whose(*mounted, kModule), "first");
  EXPECT_EQ(whose(*mounted, kOther), "second");
  EXPECT_EQ(explain(*mounted, kOther + "/model.neff").at("source"),
            hub_.endpoint() + "/lab/cache@main");
  EXPECT_EQ(hub_.traffic().count({.kind = Kind::kResolveGet, .text = "lab/cache/resolve"}) -
                hub_.traffic().count({.kind = Kind::kResolveGet, .text = kOther}),
            0U);
}

TEST_F(UnionMountTest, WhatIsUnfinishedOrFailedHidesNothingOfTheNext) {
  first_.commit(without(module_of(kModule, "first"), "model.done"));
  auto failed = without(without(module_of(kOther, "first"), "model.done"), "model.neff");
  failed.emplace_back(kOther + "/model.log", "it failed");
  first_.commit(failed);
  second_.commit(module_of(kModule, "second"));
  second_.commit(module_of(kOther, "second"));
  const auto mounted = mount_both({"list=all"});
  EXPECT_EQ(whose(*mounted, kModule), "second");
  EXPECT_EQ(whose(*mounted, kOther), "second");
  EXPECT_EQ(stat_error(*mounted / (kOther + "/model.log")), ENOENT);
  const auto answer = explain(*mounted, kModule);
  ASSERT_EQ(answer.at("passed_over").size(), 1U) << answer.dump(1);
  EXPECT_EQ(answer.at("passed_over").at(0).at("source"), hub_.endpoint() + "/team/cache@main");
  EXPECT_NE(answer.at("passed_over").at(0).at("why"), "");
}

TEST_F(UnionMountTest, RegistriesAndListingsAreMerged) {
  first_.commit(module_of(kModule, "first"));
  first_.commit({{kRegistry + "/a.json", "a"}, {kRegistry + "/both.json", "one"}});
  second_.commit(module_of(kOther, "second"));
  second_.commit(module_of(kModule, "second"));
  second_.commit({{kRegistry + "/b.json", "b"}, {kRegistry + "/both.json", "two"}});
  second_.commit({{"neuronxcc-9.9/0_REGISTRY/x.json", "x"}});
  const auto mounted = mount_both({"list=all"});
  using Names = std::set<std::string>;
  EXPECT_TRUE(names_in(mounted->root()).contains("neuronxcc-9.9"));
  EXPECT_EQ(names_in(*mounted / kRegistry), (Names{"a.json", "b.json", "both.json"}));
  EXPECT_EQ(names_in(*mounted / sample::kVersion),
            (Names{"0_REGISTRY", "MODULE_4711+e30acd3a", "MODULE_4712+e30acd3a"}));
  EXPECT_EQ(read_file(*mounted / (kRegistry + "/both.json")).text, "one");
  EXPECT_EQ(read_file(*mounted / (kRegistry + "/b.json")).text, "b");
  EXPECT_EQ(read_file(*mounted / "neuronxcc-9.9/0_REGISTRY/x.json").text, "x");
}

// SEMANTICS 7, for one source of two: every way not to answer.
struct Silence {
  const char* name;
  Fault fault;
  const char* state;
};
class UnionSilence : public UnionMountTest, public ::testing::WithParamInterface<Silence> {};

TEST_P(UnionSilence, OfTheFirstDoesNotHideTheSecond) {
  first_.commit(module_of(kModule, "first"));
  second_.commit(module_of(kModule, "second"));
  second_.commit(module_of(kOther, "second"));
  const auto mounted = mount_both({"hub_timeout=0.5", "poll=0.1", "miss_check=0"});
  const Match match{.text = "team/cache"};
  hub_.faults().add(match, GetParam().fault);
  EXPECT_EQ(mounted->within(seconds(10), [&] { return whose(*mounted, kOther); }), "second");
  expect_state(*mounted, 0, GetParam().state);
  EXPECT_EQ(mounted->status().at("sources").at(1).at("state"), "ok");
  hub_.faults().clear();
  expect_state(*mounted, 0, "ok");
  first_.commit(module_of(kModule, "first again"));
  EXPECT_TRUE(eventually([&] { return whose(*mounted, kModule) == "first again"; }));
  EXPECT_EQ(whose(*mounted, kOther), "second");
}

INSTANTIATE_TEST_SUITE_P(All, UnionSilence,
                         ::testing::Values(Silence{"Unreachable", Fault::hang_up(), "offline"},
                                           Silence{"Failing", Fault::answer(503), "offline"},
                                           Silence{"Throttled",
                                                   Fault::answer(429, "", {{"Retry-After", "0"}}),
                                                   "throttled"},
                                           Silence{"Refusing", Fault::answer(403), "auth"}),
                         [](const auto& param) { return std::string(param.param.name); });

// Asked at once, a source that stalls takes hub_timeout once, and then nobody's time.
TEST_F(UnionMountTest, AStallingSourceIsWaitedForOnce) {
  first_.commit(module_of(kModule, "first"));
  for (int number = 0; number < 20; ++number)
    second_.commit(module_of(
        sample::kVersion + "/MODULE_" + std::to_string(100 + number) + "+e30acd3a", "second"));
  const auto mounted = mount_both({"hub_timeout=1", "poll=3600", "miss_check=3600"});
  Gate gate = hub_.hold({.kind = Kind::kTree, .text = "team/cache"});
  const auto begun = std::chrono::steady_clock::now();
  mounted->within(seconds(10), [&] {
    for (int number = 0; number < 20; ++number)
      EXPECT_EQ(whose(*mounted,
                      sample::kVersion + "/MODULE_" + std::to_string(100 + number) + "+e30acd3a"),
                "second");
    return true;
  });
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(8));
  gate.open();
  EXPECT_TRUE(eventually([&] { return whose(*mounted, kModule) == "first"; }));
}

TEST_F(UnionMountTest, EveryHeadIsFollowed) {
  first_.commit({{"README.md", "one"}});
  second_.commit({{"README.md", "two"}});
  const auto mounted = mount_both({"poll=0.1", "miss_check=0.1"});
  EXPECT_EQ(whose(*mounted, kModule), "absent");
  second_.commit(module_of(kModule, "second"));
  EXPECT_TRUE(eventually([&] { return whose(*mounted, kModule) == "second"; }));
  first_.commit(module_of(kOther, "first"));
  EXPECT_TRUE(eventually([&] { return whose(*mounted, kOther) == "first"; }));
  EXPECT_EQ(mounted->status().at("sources").at(0).at("commit"), first_.head());
  EXPECT_EQ(mounted->status().at("sources").at(1).at("commit"), second_.head());
}

// A compile costs minutes, the question one request to each.
TEST_F(UnionMountTest, AMissIsToldFromTheHeadsOfAll) {
  first_.commit({{"README.md", "one"}});
  second_.commit(module_of(sample::kVersion + "/MODULE_4713+e30acd3a", "second"));
  const auto mounted = mount_both({"poll=3600", "miss_check=0"});
  EXPECT_EQ(whose(*mounted, kModule), "absent");
  second_.commit(module_of(kModule, "second"));
  EXPECT_EQ(whose(*mounted, kModule), "second");
  first_.commit(module_of(kOther, "first"));
  EXPECT_EQ(whose(*mounted, kOther), "first");
}

// SEMANTICS 2: what is here stays with its source, and goes with it.
TEST_P(UnionBothWays, ACopyFollowsItsSource) {
  second_.commit(module_of(kModule, "second"));
  first_.commit({{"README.md", "one"}});
  const auto mounted = mount_both({"poll=0.1", "miss_check=0.1", way()});
  EXPECT_EQ(whose(*mounted, kModule), "second");
  first_.commit(module_of(kModule, "first"));
  EXPECT_TRUE(eventually(
      [&] { return mounted->status().at("sources").at(0).at("commit") == first_.head(); }));
  EXPECT_EQ(whose(*mounted, kModule), "second");
  second_.commit(module_of(kModule, "second again"));
  EXPECT_TRUE(eventually([&] { return whose(*mounted, kModule) == "second again"; }));
  second_.commit({}, {kModule + "/"});
  EXPECT_TRUE(eventually([&] { return whose(*mounted, kModule) == "first"; }));
  first_.commit({}, {kModule + "/"});
  EXPECT_TRUE(eventually([&] { return whose(*mounted, kModule) == "absent"; }));
}

TEST_F(UnionMountTest, AfterARestartCopiesAreStillTheirSources) {
  second_.commit(module_of(kModule, "second"));
  first_.commit({{"README.md", "one"}});
  {
    const auto mounted = mount_both();
    EXPECT_EQ(whose(*mounted, kModule), "second");
  }
  first_.commit(module_of(kModule, "first"));
  {
    const auto mounted = mount_both();
    EXPECT_EQ(whose(*mounted, kModule), "second");
  }
  // Nobody follows a source that is not mounted: the files are simply there.
  {
    const auto mounted = mount_as({.source = "team/cache"});
    EXPECT_EQ(whose(*mounted, kModule), "second");
  }
}

TEST_F(UnionMountTest, DeletesAreMadeAgainstWhatEverySourceHas) {
  first_.commit(module_of(kModule, "first"));
  second_.commit(module_of(kModule, "second"));
  const auto mounted = mount_both({"poll=0.1", "miss_check=0.1", "list=all"});
  EXPECT_EQ(names_in(*mounted / sample::kVersion).size(), 1U);  // now both are known
  EXPECT_EQ(whose(*mounted, kModule), "first");
  std::filesystem::remove_all(*mounted / kModule);
  EXPECT_EQ(whose(*mounted, kModule), "absent");
  first_.commit({{"README.md", "one"}}, {kModule + "/"});
  EXPECT_TRUE(eventually(
      [&] { return mounted->status().at("sources").at(0).at("commit") == first_.head(); }));
  EXPECT_EQ(whose(*mounted, kModule), "absent");
  EXPECT_EQ(neffs({"restore", (*mounted / kModule).string()}).exit_code, 0);
  EXPECT_EQ(whose(*mounted, kModule), "second");
  std::filesystem::remove_all(*mounted / kModule);
  EXPECT_EQ(whose(*mounted, kModule), "absent");
  second_.commit(module_of(kModule, "second again"));
  EXPECT_TRUE(eventually([&] { return whose(*mounted, kModule) == "second again"; }));
}

// SEMANTICS 8, for each of the sources.
TEST_F(UnionMountTest, RequestsAreAsFewAsForOne) {
  first_.commit(module_of(kModule, "first"));
  second_.commit(module_of(kModule, "second"));
  second_.commit(module_of(kOther, "second"));
  {
    const auto mounted = mount_both({"push=none"});
    EXPECT_EQ(whose(*mounted, kModule), "first");
    EXPECT_EQ(whose(*mounted, kOther), "second");
    ASSERT_TRUE(hub_.traffic().wait_until_idle());
  }
  hub_.traffic().reset();
  const auto mounted = mount_both();
  ASSERT_TRUE(hub_.traffic().wait_until_idle());
  EXPECT_EQ(whose(*mounted, kModule), "first");
  EXPECT_EQ(whose(*mounted, kOther), "second");
  EXPECT_LE(asked("team/cache"), 3U) << requests();
  EXPECT_LE(asked("lab/cache"), 3U) << requests();
  expect_misses_ask_nobody(*mounted);
}

TEST_F(UnionMountTest, StatusAndTheMountTableNameAll) {
  first_.commit({{"README.md", "one"}});
  second_.commit({{"README.md", "two"}});
  const auto mounted = mount_both();
  const auto out = mounted->daemon().out();
  EXPECT_NE(out.find("source   team/cache@main  at " + first_.head().substr(0, 12)),
            std::string::npos)
      << out;
  EXPECT_NE(out.find("source   lab/cache@main  at " + second_.head().substr(0, 12)),
            std::string::npos);
  const auto sources = mounted->status().at("sources");
  ASSERT_EQ(sources.size(), 2U);
  EXPECT_EQ(sources.at(0).at("repo"), "team/cache");
  EXPECT_EQ(sources.at(1).at("repo"), "lab/cache");
  const auto table = read_file("/proc/self/mounts").text;
  EXPECT_NE(table.find(kBoth + ' ' + mounted->root().string() + " fuse.neffs"), std::string::npos)
      << table;
}

TEST_F(UnionMountTest, ASourceThatDoesNotExistIsNamed) {
  first_.commit({{"README.md", "one"}});
  std::filesystem::create_directories(scratch_ / "mnt");
  const Ended ended = neffs({"mount", "team/cache,lab/nowhere", (scratch_ / "mnt").string()});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find("lab/nowhere@main: the repo does not exist"), std::string::npos)
      << ended.err;
}

// The public cache comes after the custom one without being asked for; a Hub of one's own has none.
TEST_F(UnionMountTest, TheDefaultIsTheCustomRepoBeforeThePublicOne) {
  first_.commit(module_of(kModule, "first"));
  const Variables custom{{"CUSTOM_CACHE_REPO", "team/cache"}};
  {
    const auto mounted = mount_as({.source = "", .variables = custom});
    EXPECT_EQ(whose(*mounted, kModule), "first");
    EXPECT_EQ(mounted->status().at("sources").at(1).at("state"), "missing");
    EXPECT_EQ(stat_error(*mounted / sample::kTrainingModule), ENOENT);
  }
  sample::create(hub_);
  const auto mounted = mount_as({.source = "", .variables = custom});
  EXPECT_EQ(whose(*mounted, kModule), "first");
  EXPECT_EQ(stat_error(*mounted / (sample::kTrainingModule + "/model.done")), 0);
  EXPECT_EQ(mounted->status().at("sources").at(1).at("state"), "ok");
}

TEST_F(UnionMountTest, OneOfThemMayBeACommit) {
  first_.commit(module_of(kModule, "first"));
  const auto pinned = second_.commit(module_of(kOther, "second"));
  const auto mounted = mount_as(
      {.source = "team/cache,lab/cache@" + pinned, .options = {"poll=0.1", "miss_check=0.1"}});
  EXPECT_EQ(whose(*mounted, kModule), "first");
  EXPECT_EQ(whose(*mounted, kOther), "second");
  second_.commit(module_of(kOther, "new"));
  first_.commit(module_of(kModule, "first again"));
  EXPECT_TRUE(eventually([&] { return whose(*mounted, kModule) == "first again"; }));
  EXPECT_EQ(whose(*mounted, kOther), "second");
}

}  // namespace
}  // namespace neffs::test
