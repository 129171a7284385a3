#include "mount-helper/source.h"

#include <map>

#include "tests/unit/mount-helper/mount_helper_kit.h"

namespace neffs::test {
namespace {

using mount_helper::default_sources;
using mount_helper::Invoker;
using mount_helper::is_repo_id;
using mount_helper::make_invoker;
using mount_helper::only_source;
using mount_helper::parse_sources;
using mount_helper::Source;
using mount_helper::sources_text;
using testing::ElementsAre;
using testing::HasSubstr;

const Source kPublic{"aws-neuron/optimum-neuron-cache", "main"};

TEST(Source, RepoIds) {
  for (const char* id : {"lab/cache", "a/b", "my_org/My.Cache-2", "aws-neuron/optimum-neuron-cache",
                         "_a/b_", "a/git"}) {
    EXPECT_TRUE(is_repo_id(id)) << id;
  }
  for (const char* id : {"", "cache", "/", "lab/", "/cache", "lab/a/b", "lab/a--b", "lab/a..b",
                         "lab/cache.git", "lab/-a", "lab/a-", "lab/.a", "lab/a.", "-lab/a",
                         "lab/a b", "lab/ä", "lab/a\n", "https://hub.example/lab/a"}) {
    EXPECT_FALSE(is_repo_id(id)) << id;
  }
  EXPECT_TRUE(is_repo_id("lab/" + std::string(96, 'a')));
  EXPECT_FALSE(is_repo_id("lab/" + std::string(97, 'a')));
}

TEST(Source, ListsWithRevisions) {
  EXPECT_THAT(parse_sources("lab/cache"), ElementsAre(Source{"lab/cache", "main"}));
  EXPECT_THAT(parse_sources("lab/cache@v1.0,team/x@refs/pr/3,team/x"),
              ElementsAre(Source{"lab/cache", "v1.0"}, Source{"team/x", "refs/pr/3"},
                          Source{"team/x", "main"}));
  EXPECT_EQ(sources_text(parse_sources("lab/cache@v1.0,team/x@main")), "lab/cache@v1.0,team/x");
}

TEST(Source, WrongOnesSayWhat) {
  const std::pair<const char*, const char*> rows[] = {
      {"", "source '': not a repo"},
      {"cache", "source 'cache': not a repo"},
      {"lab/cache,", "source '': not a repo"},
      {"lab/a--b", "source 'lab/a--b': no repo can have this id"},
      {"lab/cache@", "no branch, tag or commit can have this name"},
      {"lab/cache@a b", "no branch, tag or commit can have this name"},
      {"lab/cache@a..b", "no branch, tag or commit can have this name"},
      {"lab/cache@-x", "no branch, tag or commit can have this name"},
      {"lab/cache@x\n", "no branch, tag or commit can have this name"},
      {"lab/cache,lab/cache@main", "lab/cache is there twice"}};
  for (const auto& [text, message] : rows) {
    const Refusal refusal = refusal_of([&, list = text] { parse_sources(list); });
    EXPECT_THAT(refusal.text, HasSubstr(message)) << text;
    EXPECT_EQ(refusal.exit_code, mount_helper::kWrongUsage) << text;
  }
}

TEST(Source, SomeCommandsAreAboutOne) {
  const auto one = parse_sources("lab/cache@v1");
  EXPECT_EQ(only_source(one).revision, "v1");
  const auto two = parse_sources("lab/cache,team/x");
  EXPECT_THAT(refusal_of([&] { only_source(two); }).text,
              HasSubstr("name one of them, as lab/cache)"));
}

// Two homes, root's and ada's, and variables as a test wants them.
TEST(Source, ARepoThatIsPublishedToComesFirstUnlessItIsThere) {
  const auto text = [](const char* sources, const char* repo) {
    return sources_text(mount_helper::with_push_repo(parse_sources(sources), repo));
  };
  EXPECT_EQ(text("lab/cache,team/x", "ada/mine"), "ada/mine,lab/cache,team/x");
  EXPECT_EQ(text("lab/cache,team/x@v1", "team/x"), "lab/cache,team/x@v1");
  EXPECT_EQ(text("lab/cache", ""), "lab/cache");
}

class DefaultSource : public testing::Test {
 protected:
  std::filesystem::path home(const std::string& user) const { return directory_.path() / user; }

  void write_down(const std::filesystem::path& hub_home, const std::string& text) {
    std::filesystem::create_directories(hub_home);
    write_file(hub_home / "optimum_neuron_custom_cache", text);
  }

  std::vector<Source> sources(uid_t user = 0) {
    const hub::Environment process([this](const std::string& name) -> std::optional<std::string> {
      const auto found = variables_.find(name);
      return found == variables_.end() ? std::nullopt : std::optional(found->second);
    });
    return default_sources(make_invoker(process, user, [this](uid_t uid) {
      return std::optional(home(uid == 0 ? "root" : "ada").string());
    }));
  }

  TemporaryDirectory directory_;
  std::map<std::string, std::string> variables_;
};

TEST_F(DefaultSource, IsThePublicCache) {
  EXPECT_THAT(sources(), ElementsAre(kPublic));
}

TEST_F(DefaultSource, OnlyThePublicCacheAfterAnotherIsNobodysWish) {
  EXPECT_TRUE(sources().front().is_named);
  variables_["CUSTOM_CACHE_REPO"] = "lab/cache@v2";
  EXPECT_TRUE(sources().front().is_named);
  EXPECT_FALSE(sources().back().is_named);
}

TEST_F(DefaultSource, CustomRepoComesFirst) {
  variables_["CUSTOM_CACHE_REPO"] = "lab/cache@v2";
  EXPECT_THAT(sources(), ElementsAre(Source{"lab/cache", "v2"}, kPublic));
  variables_["CUSTOM_CACHE_REPO"] = kPublic.repo;
  EXPECT_THAT(sources(), ElementsAre(kPublic));
}

TEST_F(DefaultSource, NoneMeansNoCustomRepoWhateverIsWrittenDown) {
  write_down(home("root") / ".cache/huggingface", "lab/cache");
  variables_["CUSTOM_CACHE_REPO"] = "none";
  EXPECT_THAT(sources(), ElementsAre(kPublic));
}

TEST_F(DefaultSource, WrittenDownRepoIsFoundInHfHome) {
  write_down(home("root") / ".cache/huggingface", "lab/cache\n");
  EXPECT_THAT(sources(), ElementsAre(Source{"lab/cache", "main"}, kPublic));
  write_down(directory_.path() / "hf", " lab/other \r\n");
  variables_["HF_HOME"] = (directory_.path() / "hf").string();
  EXPECT_THAT(sources(), ElementsAre(Source{"lab/other", "main"}, kPublic));
}

TEST_F(DefaultSource, UnderSudoTheInvokingUsersCountsWhereRootHasNone) {
  write_down(home("ada") / ".cache/huggingface", "ada/cache");
  variables_["SUDO_UID"] = "1000";
  EXPECT_THAT(sources(), ElementsAre(Source{"ada/cache", "main"}, kPublic));
  write_down(home("root") / ".cache/huggingface", "root/cache");
  EXPECT_THAT(sources(), ElementsAre(Source{"root/cache", "main"}, kPublic));
}

TEST_F(DefaultSource, SudoVariablesMeanNothingToAnOrdinaryUser) {
  write_down(home("root") / ".cache/huggingface", "root/cache");
  variables_["SUDO_UID"] = "0";
  EXPECT_THAT(sources(1000), ElementsAre(kPublic));
}

TEST_F(DefaultSource, NonsenseThatIsWrittenDownIsSaid) {
  write_down(home("root") / ".cache/huggingface", "not a repo");
  EXPECT_THAT(refusal_of([&] { sources(); }).text, HasSubstr("source 'not a repo'"));
}

TEST(InvokerTest, HomeComesFromTheUserDatabaseOnlyIfItIsNotSet) {
  const auto home_of = [](uid_t) { return std::optional<std::string>("/root"); };
  const hub::Environment bare([](const std::string&) { return std::optional<std::string>(); });
  EXPECT_EQ(make_invoker(bare, 0, home_of).own.get("HOME"), "/root");
  const hub::Environment set([](const std::string& name) {
    return name == "HOME" ? std::optional<std::string>("/elsewhere") : std::nullopt;
  });
  EXPECT_EQ(make_invoker(set, 0, home_of).own.get("HOME"), "/elsewhere");
  EXPECT_FALSE(make_invoker(set, 0, home_of).behind_sudo);
}

}  // namespace
}  // namespace neffs::test
