// What the Hub says, in our words: errors, trees, infos.
#include <gtest/gtest.h>

#include "hub/error_of_response.h"
#include "hub/tree_page.h"
#include "tests/unit/hub/hub_under_test.h"

namespace neffs::test {
namespace {

using hub::EntryKind;
using hub::Headers;
using hub::HubErrorKind;
using hub::ListDepth;

TEST(ErrorOfResponse, KindsFollowTheHubsTable) {
  struct Row {
    int status;
    Headers headers;
    const char* body;
    bool anonymous;
    HubErrorKind kind;
  };
  const Row rows[] = {
      {404, {{"X-Error-Code", "RevisionNotFound"}}, "", false, HubErrorKind::kRevisionNotFound},
      {404, {{"X-Error-Code", "EntryNotFound"}}, "", false, HubErrorKind::kEntryNotFound},
      {404, {{"X-Error-Code", "RepoNotFound"}}, "", false, HubErrorKind::kRepoNotFound},
      {404, {{"X-Error-Message", "Invalid rev id: x"}}, "", false, HubErrorKind::kRevisionNotFound},
      {404, {}, R"({"error":"Repository not found"})", false, HubErrorKind::kRepoNotFound},
      {404, {}, "<html>not found</html>", false, HubErrorKind::kInvalidAnswer},
      {401, {}, R"({"error":"Invalid username or password."})", true, HubErrorKind::kRepoNotFound},
      {401,
       {},
       R"({"error":"Invalid credentials in Authorization header"})",
       false,
       HubErrorKind::kUnauthorized},
      {401, {{"X-Error-Code", "GatedRepo"}}, "", true, HubErrorKind::kGated},
      {403, {{"X-Error-Code", "GatedRepo"}}, "", false, HubErrorKind::kGated},
      {403,
       {{"X-Error-Message", "Access to this resource is disabled."}},
       "",
       false,
       HubErrorKind::kDisabled},
      {403, {}, R"({"error":["a","b"]})", false, HubErrorKind::kForbidden},
      {429, {}, "", false, HubErrorKind::kThrottled},
      {408, {}, "", false, HubErrorKind::kUnavailable},
      {500, {}, "<html>", false, HubErrorKind::kUnavailable},
      {504, {}, "", false, HubErrorKind::kUnavailable},
      {416, {}, "", false, HubErrorKind::kInvalidAnswer},
      {302, {}, "", false, HubErrorKind::kInvalidAnswer},
      {418, {}, "{", false, HubErrorKind::kInvalidAnswer},
      {403, {}, R"({"error":{"a":1}})", false, HubErrorKind::kForbidden},
      {402, {}, R"({"error":"storage limit reached"})", false, HubErrorKind::kForbidden},
      {400, {}, R"({"error":"contains binary files"})", false, HubErrorKind::kRefused},
      {400,
       {},
       R"({"error":"Your push was rejected because it contains too many files per directory."})",
       false,
       HubErrorKind::kFolderFull},
      {400, {{"X-Error-Message", "bad YAML"}}, "", false, HubErrorKind::kRefused},
      {400, {}, "<html>Bad Request</html>", false, HubErrorKind::kInvalidAnswer},
      {422, {}, R"({"message":"words of the LFS API"})", false, HubErrorKind::kRefused},
      {422, {}, "", false, HubErrorKind::kInvalidAnswer},
      {413, {}, "<html>", false, HubErrorKind::kRefused},
      {409, {}, R"({"error":"Another commit operation is"})", false, HubErrorKind::kBusy},
      {412, {}, R"({"error":"A commit has happened since"})", false, HubErrorKind::kHeadMoved},
      {404,
       {},
       R"({"error":"A file with this name doesn't exist"})",
       false,
       HubErrorKind::kEntryNotFound},
      {403, {}, R"({"error":[1,null]})", false, HubErrorKind::kForbidden},
  };
  for (const Row& row : rows) {
    const auto error =
        hub::error_of_response({"ada/m", row.anonymous}, row.status, row.headers, row.body);
    EXPECT_EQ(error.kind, row.kind) << row.status << " " << row.body << " " << error.what();
    EXPECT_EQ(error.http_status, row.status);
    EXPECT_TRUE(std::string(error.what()).starts_with("ada/m: ")) << error.what();
    EXPECT_EQ(std::string(error.what()).find("<html>"), std::string::npos);
  }
}

TEST(ErrorOfResponse, AnonymousIsToldToLogInAndNotThatAPasswordIsWrong) {
  const auto error = hub::error_of_response({"ada/m", true}, 401, {},
                                            R"({"error":"Invalid username or password."})");
  const std::string text = error.what();
  EXPECT_EQ(text.find("password"), std::string::npos) << text;
  EXPECT_NE(text.find("does not exist or is private"), std::string::npos) << text;
  EXPECT_NE(text.find("hf auth login"), std::string::npos) << text;
}

TEST(ErrorOfResponse, KeepsWhatSupportAndRetriesNeed) {
  const auto error = hub::error_of_response(
      {"ada/m", false}, 429, {{"X-Request-Id", "abc"}, {"RateLimit", "\"api\";r=0;t=9"}}, "");
  EXPECT_EQ(error.request_id, "abc");
  EXPECT_EQ(error.retry_after, std::chrono::seconds(10));
}

TEST(ErrorOfResponse, OnlyServersThatGaveUpMayHaveObeyed) {
  for (const int status : {400, 401, 403, 404, 408, 409, 412, 413, 429, 500, 502, 504}) {
    const auto error = hub::error_of_response({"ada/m", false}, status, {}, "");
    EXPECT_EQ(error.may_have_arrived, status == 408 || status >= 500) << status;
  }
}

TEST(ErrorOfResponse, SaysWhyTheHubRefuses) {
  const auto error =
      hub::error_of_response({"ada/m", false}, 400, {},
                             R"({"error":"Your push was rejected: binary files:\n  - a.neff"})");
  EXPECT_NE(std::string(error.what()).find("binary files: - a.neff"), std::string::npos)
      << error.what();
}

TEST(ErrorOfResponse, QuotesNoSecrets) {
  EXPECT_EQ(hub::quotable("bad token " + kToken + "!"), "bad token …!");
  EXPECT_EQ(hub::quotable("see https://cdn.co/x?Signature=abc&y=z now"),
            "see https://cdn.co/x… now");
  EXPECT_EQ(hub::quotable("two\r\n\tlines \x01 "), "two lines");
  EXPECT_LE(hub::quotable(std::string(5000, 'x')).size(), 200U);
  const auto error = hub::error_of_response({"ada/m", false}, 403,
                                            {{"X-Error-Message", "no rights for " + kToken}}, "");
  check_error_text(error);
}

TEST(HubErrorKind, EachHasAWordAndIsDefiniteOrNot) {
  EXPECT_STREQ(hub::to_string(HubErrorKind::kRepoNotFound), "repo-not-found");
  EXPECT_STREQ(hub::to_string(HubErrorKind::kUnavailable), "unavailable");
  EXPECT_TRUE(hub::is_definite(HubErrorKind::kUnauthorized));
  EXPECT_TRUE(hub::is_definite(HubErrorKind::kRevisionNotFound));
  EXPECT_FALSE(hub::is_definite(HubErrorKind::kThrottled));
  EXPECT_FALSE(hub::is_definite(HubErrorKind::kInvalidAnswer));
  EXPECT_STREQ(hub::to_string(HubErrorKind::kUnknownOutcome), "unknown-outcome");
  EXPECT_FALSE(hub::is_definite(HubErrorKind::kUnknownOutcome));
}

const std::string kOid(40, '2');
const std::string kSha(64, 'a');

std::string file_json(const std::string& path, const std::string& extra = "") {
  return R"({"type":"file","oid":")" + kOid + R"(","size":554,"path":")" + path + "\"" + extra +
         "}";
}

TEST(TreePage, ReadsFilesLfsFilesAndDirectories) {
  const auto entries = hub::parse_tree_page(
      "[" + file_json("d/a") + "," +
          file_json("d/b", R"(,"lfs":{"oid":")" + kSha +
                               R"(","size":5360632080,"pointerSize":134},"xetHash":"x")") +
          R"(,{"type":"directory","oid":")" + kOid + R"(","size":0,"path":"d/c"})" +
          R"(,{"type":"unknown","path":7}])",
      "d", ListDepth::kChildren);
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[0].path, "a");
  EXPECT_EQ(entries[0].size, 554U);
  EXPECT_EQ(entries[0].content.text(), "sha1:" + kOid);
  EXPECT_EQ(entries[1].size, 5'360'632'080U);
  EXPECT_EQ(entries[1].content.text(), "sha256:" + kSha);
  EXPECT_EQ(entries[1].oid, kOid);
  EXPECT_EQ(entries[2].kind, EntryKind::kDirectory);
  EXPECT_EQ(entries[2].path, "c");
}

TEST(TreePage, RefusesWhatAHubWouldNotSay) {
  const std::string rows[] = {
      "",
      "<html>Log in to the airport</html>",
      "{}",
      "[1]",
      "[" + file_json("d/a"),
      "[" + file_json("other/a") + "]",
      "[" + file_json("dx/a") + "]",
      "[" + file_json("d") + "]",
      "[" + file_json("d/a/b") + "]",
      R"([{"type":"file","oid":"short","size":1,"path":"d/a"}])",
      R"([{"type":"file","oid":")" + kOid + R"(","size":-1,"path":"d/a"}])",
      R"([{"type":"file","oid":")" + kOid + R"(","size":"1","path":"d/a"}])",
      R"([{"type":"file","oid":")" + kOid + R"(","path":"d/a"}])",
      R"([{"type":"file","oid":")" + kOid + R"(","size":1,"path":null}])",
      "[" + file_json("d/a", R"(,"lfs":true)") + "]",
      "[" + file_json("d/a", R"(,"lfs":{"oid":"*","size":1})") + "]",
      "[" + file_json("d/a", R"(,"lfs":{"oid":")" + kSha + R"("})") + "]",
  };
  for (const std::string& body : rows) {
    const auto error = error_of([&] { hub::parse_tree_page(body, "d", ListDepth::kChildren); });
    EXPECT_EQ(error.kind, HubErrorKind::kInvalidAnswer) << body;
  }
  EXPECT_EQ(
      hub::parse_tree_page("[" + file_json("d/a/b") + "]", "d", ListDepth::kEverything).size(), 1U);
}

TEST(TreePage, FindsTheNextPage) {
  EXPECT_EQ(hub::next_page({{"link", "<https://h/x?cursor=1>; rel=\"next\""}}),
            "https://h/x?cursor=1");
  EXPECT_EQ(hub::next_page({{"Link", "<a>; rel=\"prev\", </b>; rel=\"next\""}}), "/b");
  EXPECT_FALSE(hub::next_page({}));
  EXPECT_FALSE(hub::next_page({{"Link", "<a>; rel=\"prev\""}}));
  EXPECT_FALSE(hub::next_page({{"Link", "rel=\"next\""}}));
  EXPECT_FALSE(hub::next_page({{"Link", "> rel=\"next\" <"}}));
}

TEST(RepoInfo, ReadsWhatIsThere) {
  const auto info = hub::parse_repo_info(
      R"({"id":"ada/m","sha":")" + kCommit +
      R"(","lastModified":"2026-08-01T10:02:03.000Z","private":true,"gated":"auto","x":[]})");
  EXPECT_EQ(info.id, "ada/m");
  EXPECT_EQ(info.commit, kCommit);
  EXPECT_EQ(info.last_modified.time_since_epoch().count(), 1'785'578'523);
  EXPECT_TRUE(info.is_private);
  EXPECT_TRUE(info.is_gated);
  EXPECT_FALSE(info.is_disabled);
  EXPECT_EQ(hub::parse_repo_info(R"({"id":"m","sha":")" + kCommit + "\"}").id, "m");
}

TEST(RepoInfo, RefusesWhatAHubWouldNotSay) {
  const std::string sha = R"("sha":")" + kCommit + "\"";
  for (const std::string& body :
       {std::string("<html>"), std::string("[]"), "{" + sha + "}",
        R"({"id":"ada/m"})" + std::string(), R"({"id":"../api",)" + sha + "}",
        R"({"id":"a/b/c",)" + sha + "}", R"({"id":"a?b",)" + sha + "}",
        R"({"id":"ada/m","sha":"main"})" + std::string(),
        R"({"id":"ada/m","lastModified":"yesterday or the day before",)" + sha + "}"}) {
    EXPECT_EQ(error_of([&] { hub::parse_repo_info(body); }).kind, HubErrorKind::kInvalidAnswer)
        << body;
  }
}

}  // namespace
}  // namespace neffs::test
