// The test Hub's reading endpoints, as a client sees them over HTTP.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "tests/hub/digest.h"
#include "tests/hub/test_client.h"
#include "tests/hub/test_hub.h"

namespace neffs::test {
namespace {

using nlohmann::json;

class ReadingTest : public ::testing::Test {
 protected:
  ReadingTest() {
    first_ = repo_.commit({{"notes.md", "hello\n"}, {"dir/a b#?.txt", "odd name"}});
    head_ = repo_.commit({{"dir/model.neff", generated_content(1, kBig)}, {"dir/model.done", ""}});
  }

  std::string api(const std::string& rest) const {
    return hub_.endpoint() + "/api/models/team/cache" + rest;
  }
  std::string resolve(const std::string& rest) const {
    return hub_.endpoint() + "/team/cache/resolve/" + rest;
  }
  void change(const std::function<void(Behaviour&)>& edit) {
    Behaviour behaviour = hub_.behaviour();
    edit(behaviour);
    hub_.set_behaviour(behaviour);
  }

  static constexpr std::uint64_t kBig = 700'001;
  TestHub hub_;
  TestRepo& repo_ = hub_.create_repo("team/cache");
  std::string first_;
  std::string head_;
};

TEST_F(ReadingTest, InfoNamesTheCommitAndTheFiles) {
  const Reply reply = ask(api(""));
  ASSERT_EQ(reply.status, 200);
  const json info = json::parse(reply.body);
  EXPECT_EQ(info["id"], "team/cache");
  EXPECT_EQ(info["sha"], head_);
  EXPECT_EQ(info["private"], false);
  EXPECT_EQ(info["siblings"].size(), 5U);
}

TEST_F(ReadingTest, InfoTakesRevisionsExpandAndBlobs) {
  EXPECT_EQ(json::parse(ask(api("/revision/" + first_)).body)["sha"], first_);
  const json few = json::parse(ask(api("/revision/main?expand=sha&expand=lastModified")).body);
  EXPECT_EQ(few["sha"], head_);
  EXPECT_FALSE(few.contains("siblings"));
  const json full = json::parse(ask(api("?blobs=true")).body);
  std::set<std::uint64_t> sizes;
  for (const json& file : full["siblings"]) sizes.insert(file["size"].get<std::uint64_t>());
  EXPECT_TRUE(sizes.contains(kBig));
  EXPECT_EQ(ask(api("?blobs=true&expand=sha")).status, 400);
}

TEST_F(ReadingTest, RevisionsAreOneEncodedSegment) {
  repo_.set_ref("refs/pr/1", first_);
  repo_.set_ref("refs/heads/a/b", first_);
  EXPECT_EQ(json::parse(ask(api("/revision/refs%2Fpr%2F1")).body)["sha"], first_);
  EXPECT_EQ(json::parse(ask(api("/revision/a%2Fb")).body)["sha"], first_);
  const Reply unencoded = ask(api("/tree/refs/pr/1"));
  EXPECT_EQ(unencoded.status, 404);
  EXPECT_EQ(unencoded.header("X-Error-Code"), "RevisionNotFound");
}

TEST_F(ReadingTest, AbsenceIsToldInThreeWays) {
  const Reply no_revision = ask(api("/revision/nope"));
  EXPECT_EQ(no_revision.status, 404);
  EXPECT_EQ(no_revision.header("X-Error-Code"), "RevisionNotFound");
  const Reply no_entry = ask(resolve("main/nope"), {.method = "HEAD"});
  EXPECT_EQ(no_entry.status, 404);
  EXPECT_EQ(no_entry.header("X-Error-Code"), "EntryNotFound");
  EXPECT_EQ(no_entry.header("X-Repo-Commit"), head_);
  const Reply anonymous = ask(hub_.endpoint() + "/api/models/team/none");
  EXPECT_EQ(anonymous.status, 401);
  EXPECT_EQ(anonymous.header("X-Error-Code"), "");
  EXPECT_EQ(anonymous.header("X-Error-Message"), "Invalid username or password.");
  hub_.add_token("hf_x", {});
  const Reply no_repo = ask(hub_.endpoint() + "/api/models/team/none", {.token = "hf_x"});
  EXPECT_EQ(no_repo.status, 404);
  EXPECT_EQ(no_repo.header("X-Error-Code"), "RepoNotFound");
}

TEST_F(ReadingTest, PrivateLooksLikeMissing) {
  repo_.set_settings({.is_private = true});
  hub_.add_token("hf_in", {.roles = {{"team/cache", Role::kRead}}});
  hub_.add_token("hf_out", {});
  EXPECT_EQ(ask(api("")).status, 401);
  EXPECT_EQ(ask(api(""), {.token = "hf_out"}).header("X-Error-Code"), "RepoNotFound");
  EXPECT_EQ(ask(api(""), {.token = "hf_in"}).status, 200);
  EXPECT_EQ(ask(api(""), {.token = "hf_bad"}).header("X-Error-Message"),
            "Invalid credentials in Authorization header");
  hub_.revoke_token("hf_in");
  EXPECT_EQ(ask(api(""), {.token = "hf_in"}).status, 401);
}

TEST_F(ReadingTest, GatedReposShowNamesButNoFiles) {
  repo_.set_settings({.is_gated = true});
  hub_.add_token("hf_out", {});
  hub_.add_token("hf_in", {.roles = {{"team/cache", Role::kRead}}});
  EXPECT_EQ(ask(api("/tree/main")).status, 200);
  EXPECT_EQ(ask(resolve("main/notes.md")).status, 401);
  const Reply refused = ask(resolve("main/notes.md"), {.token = "hf_out"});
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.header("X-Error-Code"), "GatedRepo");
  EXPECT_EQ(ask(resolve("main/notes.md"), {.token = "hf_in"}).status, 307);
}

TEST_F(ReadingTest, DisabledReposRefuseEverything) {
  repo_.set_settings({.is_disabled = true});
  const Reply reply = ask(api(""));
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(reply.header("X-Error-Message"), "Access to this resource is disabled.");
}

TEST_F(ReadingTest, AuthCheckKnowsReadAndWrite) {
  hub_.add_token("hf_r", {.roles = {{"team/cache", Role::kRead}}});
  hub_.add_token("hf_w", {.roles = {{"team/cache", Role::kWrite}}});
  EXPECT_EQ(ask(api("/auth-check")).status, 200);
  EXPECT_EQ(ask(api("/auth-check/write")).status, 401);
  EXPECT_EQ(ask(api("/auth-check/write"), {.token = "hf_r"}).status, 403);
  EXPECT_EQ(ask(api("/auth-check/write"), {.token = "hf_w"}).status, 200);
  const Reply who = ask(hub_.endpoint() + "/api/whoami-v2", {.token = "hf_w"});
  EXPECT_EQ(json::parse(who.body)["auth"]["accessToken"]["role"], "write");
}

TEST_F(ReadingTest, RenamedReposRedirectWithARelativeLocation) {
  hub_.rename_repo("team/cache", "team/better");
  hub_.repos().add_former_name("cache", "team/better");
  const Reply info = ask(api("/tree/main/dir?recursive=true"));
  EXPECT_EQ(info.status, 307);
  EXPECT_EQ(info.header("Location"), "/api/models/team/better/tree/main/dir?recursive=true");
  EXPECT_EQ(ask(hub_.endpoint() + "/api/models/cache").header("Location"),
            "/api/models/team/better");
  EXPECT_EQ(ask(resolve("main/notes.md")).header("Location"), "/team/better/resolve/main/notes.md");
  EXPECT_EQ(ask(hub_.endpoint() + info.header("Location")).status, 200);
}

TEST_F(ReadingTest, TreeListsChildrenOrEverything) {
  const json root = json::parse(ask(api("/tree/main")).body);
  EXPECT_EQ(root.size(), 3U);
  const json all = json::parse(ask(api("/tree/main?recursive=true")).body);
  EXPECT_EQ(all.size(), 6U);
  for (const json& entry : json::parse(ask(api("/tree/main/dir")).body)) {
    if (entry["path"] != "dir/model.neff") continue;
    EXPECT_EQ(entry["size"], kBig);
    EXPECT_EQ(entry["lfs"]["oid"], sha256_hex(*generated_content(1, kBig)));
    EXPECT_NE(entry["oid"], entry["lfs"]["oid"]);
    EXPECT_EQ(entry["xetHash"].get<std::string>().size(), 64U);
  }
  EXPECT_EQ(ask(api("/tree/main/nope")).header("X-Error-Code"), "EntryNotFound");
  EXPECT_EQ(ask(api("/tree/main/notes.md")).header("X-Error-Code"), "EntryNotFound");
}

TEST_F(ReadingTest, TreePagesAreLinked) {
  std::vector<NewFile> files;
  files.reserve(25);
  for (int i = 0; i < 25; ++i) files.emplace_back("many/" + std::to_string(i), "x");
  repo_.commit(files);
  std::set<std::string> seen;
  int pages = 0;
  for (std::string url = api("/tree/main/many?limit=10"); !url.empty(); ++pages) {
    const Reply reply = ask(url);
    ASSERT_EQ(reply.status, 200) << reply.body;
    for (const json& entry : json::parse(reply.body)) seen.insert(entry["path"]);
    const std::string link = reply.header("Link");
    url = link.empty() ? "" : link.substr(1, link.find('>') - 1);
  }
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(seen.size(), 25U);
  EXPECT_EQ(ask(api("/tree/main/many?cursor=bogus")).status, 400);
}

TEST_F(ReadingTest, ExpandTellsTheLastCommitOfAPath) {
  int checked = 0;
  for (const json& entry : json::parse(ask(api("/tree/main?expand=true")).body)) {
    if (entry["path"] == ".gitattributes") continue;
    EXPECT_EQ(entry["lastCommit"]["id"], entry["path"] == "dir" ? head_ : first_);
    ++checked;
  }
  EXPECT_EQ(checked, 2);
}

TEST_F(ReadingTest, ListingsCanHoldNamesThatGitCannot) {
  repo_.list_also("dir", "../../etc/passwd", "notes.md");
  repo_.list_also("dir", std::string("bad\xff"), "notes.md");
  const Reply reply = ask(api("/tree/main/dir"));
  EXPECT_NE(reply.body.find("dir/../../etc/passwd"), std::string::npos);
  EXPECT_TRUE(json::accept(reply.body));
}

TEST_F(ReadingTest, PathsInfoTakesJsonAndForms) {
  const json body = {{"paths", {"notes.md", "dir", "nope"}}, {"expand", false}};
  const Reply as_json =
      ask(api("/paths-info/main"),
          {.method = "POST", .headers = {"Content-Type: application/json"}, .body = body.dump()});
  EXPECT_EQ(json::parse(as_json.body).size(), 2U) << as_json.body;
  const Reply as_form = ask(api("/paths-info/main"),
                            {.method = "POST", .body = "paths=notes.md&paths=dir%2Fa+b%23%3F.txt"});
  EXPECT_EQ(json::parse(as_form.body).size(), 2U) << as_form.body;
  std::string many;
  for (int i = 0; i < 1001; ++i)
    many += "paths=some/rather/long/path/number" + std::to_string(i) + "&";
  EXPECT_EQ(ask(api("/paths-info/main"), {.method = "POST", .body = many}).status, 413);
}

TEST_F(ReadingTest, RefsAndCommits) {
  repo_.set_ref("refs/tags/v1", first_);
  repo_.set_ref("refs/pr/1", first_);
  const json refs = json::parse(ask(api("/refs?include_prs=1")).body);
  EXPECT_EQ(refs["branches"][0]["targetCommit"], head_);
  EXPECT_EQ(refs["tags"][0]["name"], "v1");
  EXPECT_EQ(refs["pullRequests"][0]["ref"], "refs/pr/1");
  const Reply page = ask(api("/commits/main?limit=2"));
  EXPECT_EQ(page.header("X-Total-Count"), "3");
  EXPECT_EQ(json::parse(page.body)[1]["id"], first_);
  EXPECT_NE(page.header("Link").find("p=1"), std::string::npos);
  EXPECT_EQ(ask(api("/commits/main?limit=2&p=1")).header("Link"), "");
}

TEST_F(ReadingTest, CompareTellsWhatChanged) {
  const std::string newer = repo_.commit({{"notes.md", "changed"}}, {"dir/model.done"});
  const std::string lines = ask(api("/compare/" + first_ + ".." + newer + "?raw=true")).body;
  const auto blob = [&](const std::string& commit, const std::string& path) {
    return repo_.find(commit, path)->oid;
  };
  const std::string none(40, '0');
  EXPECT_NE(lines.find("T 7\t:100644 100644 " + blob(first_, "notes.md") + "... " +
                       blob(newer, "notes.md") + "... M\tnotes.md\n"),
            std::string::npos)
      << lines;
  EXPECT_NE(
      lines.find(" " + none + "... " + blob(newer, "dir/model.neff") + "... A\tdir/model.neff"),
      std::string::npos);
  EXPECT_EQ(lines.find("model.done"), std::string::npos);
  change([](Behaviour& b) { b.answers_compare = false; });
  EXPECT_EQ(ask(api("/compare/" + first_ + ".." + newer)).status, 404);
}

TEST_F(ReadingTest, GitFilesComeThroughTheResolveCache) {
  const Reply moved = ask(resolve("main/notes.md"), {.method = "HEAD"});
  ASSERT_EQ(moved.status, 307);
  ASSERT_TRUE(
      moved.header("Location").starts_with("/api/resolve-cache/models/team/cache/" + head_));
  const Reply file = ask(hub_.endpoint() + moved.header("Location"));
  EXPECT_EQ(file.status, 200);
  EXPECT_EQ(file.body, "hello\n");
  EXPECT_EQ(file.header("ETag"), '"' + git_id(ObjectType::kBlob, "hello\n") + '"');
  EXPECT_EQ(file.header("X-Repo-Commit"), head_);
  change([](Behaviour& b) { b.direct_git_files = true; });
  EXPECT_EQ(ask(resolve("main/dir/a%20b%23%3F.txt")).body, "odd name");
}

TEST_F(ReadingTest, LargeFilesComeFromTheCdn) {
  const Reply moved = ask(resolve(head_ + "/dir/model.neff"), {.method = "HEAD"});
  ASSERT_EQ(moved.status, 302);
  EXPECT_EQ(moved.header("X-Linked-Size"), std::to_string(kBig));
  EXPECT_EQ(moved.header("X-Linked-ETag"), '"' + sha256_hex(*generated_content(1, kBig)) + '"');
  EXPECT_EQ(moved.header("X-Repo-Commit"), head_);
  EXPECT_NE(moved.header("Link").find("xet-auth"), std::string::npos);
  const std::string url = moved.header("Location");
  ASSERT_TRUE(url.starts_with(hub_.cdn_endpoint()));
  const Reply file = ask(url);
  EXPECT_EQ(file.body, read_all(*generated_content(1, kBig)));
  EXPECT_EQ(file.header("X-Repo-Commit"), "");
  EXPECT_NE(file.header("ETag"), moved.header("X-Linked-ETag"));
}

TEST_F(ReadingTest, TheCdnIsStrict) {
  const std::string url = ask(resolve("main/dir/model.neff")).header("Location");
  EXPECT_EQ(ask(url, {.token = "hf_any"}).status, 400);
  std::string forged = url;
  forged.replace(forged.find("Expires=") + 8, 1, "9");
  EXPECT_EQ(ask(forged).status, 403);
  EXPECT_EQ(ask(url).status, 200);
  hub_.advance_clock(std::chrono::hours(2));
  const Reply expired = ask(url);
  EXPECT_EQ(expired.status, 403);
  EXPECT_NE(expired.body.find("<Error>"), std::string::npos);
}

TEST_F(ReadingTest, RangesAreHonoured) {
  const std::string whole = read_all(*generated_content(1, kBig));
  const std::string url = ask(resolve("main/dir/model.neff")).header("Location");
  const Reply middle = ask(url, {.headers = {"Range: bytes=100-199"}});
  EXPECT_EQ(middle.status, 206);
  EXPECT_EQ(middle.header("Content-Range"), "bytes 100-199/700001");
  EXPECT_EQ(middle.body, whole.substr(100, 100));
  EXPECT_EQ(ask(url, {.headers = {"Range: bytes=700000-"}}).body, whole.substr(700000));
  EXPECT_EQ(ask(url, {.headers = {"Range: bytes=-5"}}).body, whole.substr(kBig - 5));
  EXPECT_EQ(ask(url, {.headers = {"Range: bytes=0-99999999"}}).body.size(), kBig);
  const Reply beyond = ask(url, {.headers = {"Range: bytes=700001-"}});
  EXPECT_EQ(beyond.status, 416);
  EXPECT_EQ(beyond.header("Content-Range"), "bytes */700001");
}

TEST_F(ReadingTest, UnchangedFilesAreNotSentAgain) {
  for (const std::string path : {"main/notes.md", "main/dir/model.neff"}) {
    const Reply first = ask(resolve(path));
    std::string etag = first.header("X-Linked-ETag");
    if (etag.empty()) etag = ask(hub_.endpoint() + first.header("Location")).header("ETag");
    const Reply again = ask(resolve(path), {.headers = {"If-None-Match: " + etag}});
    EXPECT_EQ(again.status, 304) << path;
    EXPECT_EQ(again.body, "");
  }
}

TEST_F(ReadingTest, TextIsCompressedForThoseWhoAcceptIt) {
  change([](Behaviour& b) { b.direct_git_files = true; });
  const Reply packed = ask(resolve("main/notes.md"), {.headers = {"Accept-Encoding: gzip"}});
  EXPECT_EQ(packed.header("Content-Encoding"), "gzip");
  EXPECT_NE(packed.body, "hello\n");
  const Reply ranged =
      ask(resolve("main/notes.md"), {.headers = {"Accept-Encoding: gzip", "Range: bytes=0-1"}});
  EXPECT_EQ(ranged.status, 206);
  change([](Behaviour& b) { b.compression_beats_range = true; });
  const Reply ignored =
      ask(resolve("main/notes.md"), {.headers = {"Accept-Encoding: gzip", "Range: bytes=0-1"}});
  EXPECT_EQ(ignored.status, 200);
}

TEST_F(ReadingTest, RawGivesWhatGitHolds) {
  const std::string raw = hub_.endpoint() + "/team/cache/raw/main/";
  EXPECT_EQ(ask(raw + "notes.md").body, "hello\n");
  EXPECT_TRUE(parse_pointer(ask(raw + "dir/model.neff").body));
}

TEST_F(ReadingTest, ThereIsNoXet) {
  EXPECT_EQ(ask(api("/xet-read-token/main")).status, 404);
}

TEST_F(ReadingTest, QuotasAreFixedWindowsPerCallerAndClass) {
  hub_.set_rate_policy({{2, 3, 1}, {5, 5, 5}, 300});
  hub_.add_token("hf_x", {});
  const Reply first = ask(api(""));
  EXPECT_TRUE(first.header("RateLimit").starts_with("\"api\";r=1;t=")) << first.header("RateLimit");
  EXPECT_EQ(first.header("RateLimit-Policy"), "\"fixed window\";\"api\";q=2;w=300");
  EXPECT_EQ(ask(api("")).status, 200);
  const Reply refused = ask(api(""));
  EXPECT_EQ(refused.status, 429);
  EXPECT_TRUE(refused.header("RateLimit").starts_with("\"api\";r=0;t="));
  EXPECT_EQ(ask(api(""), {.token = "hf_x"}).status, 200);
  EXPECT_EQ(ask(resolve("main/notes.md")).status, 307);
  hub_.advance_clock(std::chrono::seconds(300));
  EXPECT_EQ(ask(api("")).status, 200);
}

TEST_F(ReadingTest, EveryAnswerHasARequestId) {
  EXPECT_NE(ask(api("")).header("X-Request-Id"), "");
  EXPECT_NE(ask(hub_.endpoint() + "/nowhere").header("X-Request-Id"), "");
  EXPECT_NE(ask(api("")).header("X-Request-Id"), ask(api("")).header("X-Request-Id"));
}

}  // namespace
}  // namespace neffs::test
