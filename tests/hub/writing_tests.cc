// Pushing to the test Hub as a whole, and its endpoints up to the point where bytes are sent: repos,
// branches, model cards, preupload.
#include "tests/hub/writing_test.h"

namespace neffs::test {
namespace {

TEST_F(WritingTest, ThePlainWayMakesARealCommit) {
  const json decided =
      preupload({{"files", {asked("a/model.neff", binary_), asked("b.json", "{}")}}});
  EXPECT_EQ(decided["commitOid"], first_);
  EXPECT_EQ(decided["files"][0]["uploadMode"], "lfs");
  EXPECT_EQ(decided["files"][1]["uploadMode"], "regular");
  upload(binary_);
  const Reply reply = commit({lfs_file("a/model.neff", binary_), file("b.json", "{}")}, first_);
  ASSERT_EQ(reply.status, 200) << reply.body;
  const json answer = json::parse(reply.body);
  EXPECT_EQ(answer["commitOid"], repo_.head());
  EXPECT_EQ(answer["success"], true);
  EXPECT_EQ(bytes_at("a/model.neff"), binary_);
  EXPECT_EQ(bytes_at("b.json"), "{}");
  const Commit made = repo_.commit_object(repo_.head());
  EXPECT_EQ(made.parents, std::vector{first_});
  EXPECT_EQ(made.message, "Add things\n\nTwo lines\nof it");
  EXPECT_EQ(made.author, "ada <ada@example.com>");
  const json listed = json::parse(ask(api("/commits/main"), {.token = "hf_w"}).body);
  EXPECT_EQ(listed[0]["title"], "Add things");
  EXPECT_EQ(listed[0]["message"], "Two lines\nof it");
  EXPECT_EQ(listed[0]["authors"][0]["user"], "ada");
  EXPECT_EQ(listed[1]["message"], "");
}

// Repos

TEST_F(WritingTest, NewReposHoldOneCommitWithGitAttributes) {
  const Reply reply = create({{"name", "fresh"}, {"visibility", "private"}});
  ASSERT_EQ(reply.status, 200) << reply.body;
  const json answer = json::parse(reply.body);
  EXPECT_EQ(answer["name"], "ada/fresh");
  EXPECT_EQ(answer["url"], hub_.endpoint() + "/ada/fresh");
  const TestRepo& repo = hub_.repo("ada/fresh");
  EXPECT_TRUE(repo.settings().is_private);
  EXPECT_EQ(repo.history(repo.head()).size(), 1U);
  const TestRepo::Listing all = repo.list(repo.head(), "", true);
  ASSERT_EQ(all->size(), 1U);
  EXPECT_EQ(all->front().path, ".gitattributes");
  const std::string check = hub_.endpoint() + "/api/models/ada/fresh/auth-check/write";
  EXPECT_EQ(ask(check, {.token = "hf_w"}).status, 200);
  EXPECT_EQ(ask(check, {.token = "hf_r"}).status, 404);
}

TEST_F(WritingTest, ReposArePublicUnlessSaidOtherwise) {
  create({{"name", "a"}});
  create({{"name", "b"}, {"private", true}, {"organization", nullptr}});
  create({{"name", "c"}, {"visibility", "public"}, {"type", "model"}});
  EXPECT_FALSE(hub_.repo("ada/a").settings().is_private);
  EXPECT_TRUE(hub_.repo("ada/b").settings().is_private);
  EXPECT_FALSE(hub_.repo("ada/c").settings().is_private);
}

TEST_F(WritingTest, ReposAreMadeOnce) {
  EXPECT_EQ(create({{"name", "a"}}).status, 200);
  const Reply again = create({{"name", "a"}, {"private", true}});
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(json::parse(again.body)["url"], hub_.endpoint() + "/ada/a");
  EXPECT_FALSE(hub_.repo("ada/a").settings().is_private);
}

TEST_F(WritingTest, ReposAreMadeWhereTheTokenMay) {
  EXPECT_EQ(create({{"name", "a"}}, "").status, 401);
  EXPECT_EQ(create({{"name", "a"}}, "hf_bad").status, 401);
  EXPECT_EQ(create({{"name", "a"}}, "hf_r").status, 403);
  EXPECT_EQ(create({{"name", "a"}, {"organization", "lab"}}).status, 403);
  hub_.add_token(
      "hf_lab", {.user = "eve", .roles = {{"team/cache", Role::kWrite}}, .organizations = {"lab"}});
  EXPECT_EQ(create({{"name", "a"}, {"organization", "lab"}}, "hf_lab").status, 200);
  const json who = json::parse(ask(hub_.endpoint() + "/api/whoami-v2", {.token = "hf_lab"}).body);
  EXPECT_EQ(who["orgs"][0]["name"], "lab");
}

TEST_F(WritingTest, BadRequestsMakeNoRepo) {
  const std::size_t before = hub_.repos().names().size();
  for (const char* name : {"", "a/b", "..", ".a", "a.git", "a--b", "a b", "a\n", "é", "-"}) {
    EXPECT_EQ(create({{"name", name}}).status, 400) << name;
  }
  EXPECT_EQ(create({{"name", std::string(97, 'a')}}).status, 400);
  EXPECT_EQ(create({{"name", 7}}).status, 400);
  EXPECT_EQ(create({{"name", "a"}, {"visibility", "secret"}}).status, 400);
  EXPECT_EQ(create({{"name", "a"}, {"private", "yes"}}).status, 400);
  EXPECT_EQ(create({{"name", "a"}, {"type", "space"}}).status, 400);
  EXPECT_EQ(create(json::array()).status, 400);
  EXPECT_EQ(hub_.repos().names().size(), before);
}

TEST_F(WritingTest, BranchesStartAnywhereAndOnce) {
  const std::string head = repo_.commit({{"a", "a"}});
  EXPECT_EQ(post(api("/branch/dev"), {{"startingPoint", first_}}).status, 200);
  EXPECT_EQ(repo_.head("dev"), first_);
  EXPECT_EQ(post(api("/branch/dev"), json::object()).status, 409);
  EXPECT_EQ(post(api("/branch/dev"), {{"overwrite", true}}).status, 200);
  EXPECT_EQ(repo_.head("dev"), head);
  EXPECT_EQ(post(api("/branch/x"), {{"startingPoint", "no-such"}}).status, 404);
  EXPECT_EQ(post(api("/branch/%2e%2e"), json::object()).status, 400);
  EXPECT_EQ(post(api("/branch/x"), json::object(), "hf_r").status, 403);
}

TEST_F(WritingTest, ModelCardsAreLookedAt) {
  const auto validate = [&](const std::string& card) {
    return post(hub_.endpoint() + "/api/validate-yaml", {{"content", card}});
  };
  const Reply good = validate("---\nlicense: mit\ntags:\n- a\n  - b: c\n# note\n---\ntext: [");
  EXPECT_EQ(good.status, 200);
  EXPECT_TRUE(json::parse(good.body)["errors"].empty());
  EXPECT_FALSE(json::parse(validate("# Only text\n").body)["warnings"].empty());
  for (const char* card : {"---\nlicense mit\n---\n", "---\n\ta: b\n---\n", "---\na: b\n"}) {
    const Reply bad = validate(card);
    EXPECT_EQ(bad.status, 400) << card;
    EXPECT_FALSE(json::parse(bad.body)["errors"].empty());
    EXPECT_EQ(commit({file("README.md", card)}).status, 400) << card;
  }
  EXPECT_EQ(post(hub_.endpoint() + "/api/validate-yaml", json::object()).status, 400);
}

// Rights: what holds for one of the endpoints below a repo holds for all.

TEST_F(WritingTest, EveryEndpointAsksForRights) {
  const std::vector<std::string> urls = {
      api("/preupload/main"), api("/commit/main"), api("/branch/dev"),
      hub_.endpoint() + "/team/cache.git/info/lfs/objects/batch",
      hub_.endpoint() + "/team/cache.git/info/lfs/objects/verify"};
  hub_.add_token("hf_out", {.user = "eve"});
  for (const std::string& url : urls) {
    EXPECT_EQ(post(url, json::object(), "").status, 401) << url;
    EXPECT_EQ(post(url, json::object(), "hf_bad").header("X-Error-Message"),
              "Invalid credentials in Authorization header");
    const Reply outsider = post(url, json::object(), "hf_out");
    EXPECT_EQ(outsider.status, 404) << url;
    EXPECT_EQ(outsider.header("X-Error-Code"), "RepoNotFound");
    const Reply reader = post(url, json::object(), "hf_r");
    EXPECT_EQ(reader.status, 403) << url;
    EXPECT_NE(reader.header("X-Error-Message").find("create_pr=1"), std::string::npos);
  }
  repo_.set_settings({.is_disabled = true});
  for (const std::string& url : urls) {
    EXPECT_EQ(post(url, json::object()).header("X-Error-Message"),
              "Access to this resource is disabled.");
  }
}

TEST_F(WritingTest, GatedReposAreWrittenByThoseWhoMay) {
  repo_.set_settings({.is_gated = true});
  hub_.add_token("hf_out", {.user = "eve"});
  EXPECT_EQ(commit({file("a", "a")}, "", "hf_out").status, 403);
  EXPECT_EQ(commit({file("a", "a")}).status, 200);
}

TEST_F(WritingTest, RevokedTokensAreRefusedAtOnce) {
  hub_.revoke_token("hf_w");
  EXPECT_EQ(commit({file("a", "a")}).status, 401);
  EXPECT_EQ(repo_.head(), first_);
}

TEST_F(WritingTest, RenamedReposRedirectThoseWhoWriteToo) {
  hub_.rename_repo("team/cache", "team/better");
  hub_.add_token("hf_w", {.user = "ada", .roles = {{"team/better", Role::kWrite}}});
  const Reply moved = commit({file("a", "a")});
  EXPECT_EQ(moved.status, 307);
  EXPECT_EQ(moved.header("Location"), "/api/models/team/better/commit/main");
  EXPECT_EQ(batch({object("x")}).header("Location"), "/team/better.git/info/lfs/objects/batch");
}

TEST_F(WritingTest, WritingCountsAsApi) {
  hub_.set_rate_policy({{9, 9, 9}, {3, 9, 9}, 300});
  EXPECT_EQ(commit({file("a", "a")}).status, 200);
  EXPECT_EQ(batch({object("x")}).status, 200);
  preupload({{"files", json::array()}});
  const Reply refused = commit({file("b", "b")});
  EXPECT_EQ(refused.status, 429);
  EXPECT_TRUE(refused.header("RateLimit").starts_with("\"api\";r=0;"));
}

// Preupload

TEST_F(WritingTest, PreuploadDecidesByAttributesSizeAndContent) {
  limit([](WritingLimits& limits) { limits.git_file = 2000; });
  const std::string text(1999, 'x');
  const json files = preupload({{"files",
                                 {asked("a.bin", "text"), asked("a.txt", text + "x"),
                                  asked("b.txt", text), asked("c.txt", std::string("a\0b", 3)),
                                  asked("d.bin", ""), asked("e.neff", "text")}}})["files"];
  const std::vector<std::string> expected = {"lfs", "lfs", "regular", "lfs", "regular", "regular"};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(files[i]["uploadMode"], expected[i]) << files[i];
    EXPECT_EQ(files[i]["shouldIgnore"], false);
    EXPECT_FALSE(files[i].contains("oid"));
  }
}

TEST_F(WritingTest, PreuploadReadsTheAttributesOfTheRepoOrOfTheRequest) {
  repo_.commit({{".gitattributes", "*.neff filter=lfs\n"}, {".gitignore", "*.log\ntmp/\n"}});
  const json files = {asked("a/m.neff", "t"), asked("a.bin", "t"), asked("x.log", "t"),
                      asked("tmp/x", "t")};
  const json stored = preupload({{"files", files}})["files"];
  EXPECT_EQ(stored[0]["uploadMode"], "lfs");
  EXPECT_EQ(stored[1]["uploadMode"], "regular");
  EXPECT_EQ(stored[2]["shouldIgnore"], true);
  EXPECT_EQ(stored[3]["shouldIgnore"], true);
  const json sent = preupload(
      {{"files", files}, {"gitAttributes", "*.bin filter=lfs\n"}, {"gitIgnore", "!x\n"}})["files"];
  EXPECT_EQ(sent[0]["uploadMode"], "regular");
  EXPECT_EQ(sent[1]["uploadMode"], "lfs");
  EXPECT_EQ(sent[2]["shouldIgnore"], false);
}

TEST_F(WritingTest, PreuploadTellsWhatIsThere) {
  const std::string head = repo_.commit({{"a.txt", "hello\n"}, {"dir/m.neff", binary_}});
  const json answer = preupload(
      {{"files", {asked("a.txt", "new"), asked("dir/m.neff", binary_), asked("dir", "x")}}});
  EXPECT_EQ(answer["commitOid"], head);
  EXPECT_EQ(answer["files"][0]["oid"], git_id(ObjectType::kBlob, "hello\n"));
  EXPECT_EQ(answer["files"][1]["oid"], digest_hex(DigestKind::kSha256, binary_));
  EXPECT_FALSE(answer["files"][2].contains("oid"));
  const Reply missing = post(api("/preupload/no-such"), {{"files", json::array()}});
  EXPECT_EQ(missing.header("X-Error-Code"), "RevisionNotFound");
}

TEST_F(WritingTest, PreuploadRefusesWhatIsMalformed) {
  const auto status = [&](const json& body) { return post(api("/preupload/main"), body).status; };
  json good = asked("a.txt", "text");
  const auto with = [&](const char* field, const json& value) {
    json bad = good;
    bad[field] = value;
    return json{{"files", {bad}}};
  };
  EXPECT_EQ(status({{"files", {good}}}), 200);
  for (const char* path : {"", "/a", "a//b", "../a", "a/..", "a/", ".git/x", "a/.cache/x", "a\n"}) {
    EXPECT_EQ(status(with("path", path)), 400) << path;
  }
  EXPECT_EQ(status(with("path", std::string(256, 'a'))), 400);
  EXPECT_EQ(status(with("path", 1)), 400);
  EXPECT_EQ(status(with("size", -1)), 400);
  EXPECT_EQ(status(with("size", 3)), 400);
  EXPECT_EQ(status(with("size", "4")), 400);
  EXPECT_EQ(status(with("sample", "###")), 400);
  EXPECT_EQ(status({{"files", {{{"path", "a"}}}}}), 400);
  EXPECT_EQ(status(json::object()), 400);
  EXPECT_EQ(status({{"files", "a"}}), 400);
  const std::string deep(100'000, '[');
  EXPECT_EQ(ask(api("/preupload/main"), {.method = "POST", .token = "hf_w", .body = deep}).status,
            400);
}

TEST_F(WritingTest, PreuploadTakesSoManyFilesAtOnce) {
  json files = json::array();
  for (int i = 0; i < 256; ++i) files.push_back(asked(std::to_string(i), "x"));
  EXPECT_EQ(post(api("/preupload/main"), {{"files", files}}).status, 200);
  files.push_back(asked("one more", "x"));
  EXPECT_EQ(post(api("/preupload/main"), {{"files", files}}).status, 400);
}

}  // namespace
}  // namespace neffs::test
