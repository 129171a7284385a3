// The test Hub's writing endpoints, as a client sees them over HTTP.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/hub/digest.h"
#include "tests/hub/test_client.h"
#include "tests/hub/test_hub.h"

namespace neffs::test {
namespace {

using nlohmann::json;

class WritingTest : public ::testing::Test {
 protected:
  WritingTest() {
    hub_.add_token("hf_w", {.user = "ada", .roles = {{"team/cache", Role::kWrite}}});
    hub_.add_token("hf_r", {.user = "bob", .roles = {{"team/cache", Role::kRead}}});
    first_ = repo_.head();
  }

  std::string api(const std::string& rest) const {
    return hub_.endpoint() + "/api/models/team/cache" + rest;
  }
  Reply post(const std::string& url, const json& body, const std::string& token = "hf_w") const {
    return ask(url, {.method = "POST",
                     .token = token,
                     .headers = {"Content-Type: application/json"},
                     .body = body.dump()});
  }
  Reply create(const json& body, const std::string& token = "hf_w") const {
    return post(hub_.endpoint() + "/api/repos/create", body, token);
  }

  static json asked(const std::string& path, const std::string& bytes) {
    return {{"path", path}, {"size", bytes.size()}, {"sample", base64(bytes.substr(0, 512))}};
  }
  json preupload(const json& body) const {
    const Reply reply = post(api("/preupload/main"), body);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return json::parse(reply.body);
  }

  Reply lfs(const std::string& url, const json& body, const std::string& token = "hf_w") const {
    return ask(url, {.method = "POST",
                     .token = token,
                     .headers = {"Content-Type: application/vnd.git-lfs+json",
                                 "Accept: application/vnd.git-lfs+json"},
                     .body = body.dump()});
  }
  Reply batch(const json& objects, const json& transfers = {"basic", "multipart"}) const {
    return lfs(hub_.endpoint() + "/team/cache.git/info/lfs/objects/batch",
               {{"operation", "upload"},
                {"transfers", transfers},
                {"hash_algo", "sha256"},
                {"ref", {{"name", "main"}}},
                {"objects", objects}});
  }
  static json object(const std::string& bytes) {
    return {{"oid", digest_hex(DigestKind::kSha256, bytes)}, {"size", bytes.size()}};
  }
  json offer(const std::string& bytes) const {
    return json::parse(batch(json::array({object(bytes)})).body)["objects"][0];
  }
  static Reply put(const std::string& url, const std::string& bytes) {
    return ask(url, {.method = "PUT", .body = bytes});
  }
  void upload(const std::string& bytes) const {
    const std::string href = offer(bytes)["actions"]["upload"]["href"];
    EXPECT_EQ(put(href, bytes).status, 200);
  }

  static json file(const std::string& path, const std::string& bytes) {
    return {{"key", "file"},
            {"value", {{"path", path}, {"content", base64(bytes)}, {"encoding", "base64"}}}};
  }
  static json lfs_file(const std::string& path, const std::string& bytes) {
    json value = object(bytes);
    value["path"] = path;
    value["algo"] = "sha256";
    return {{"key", "lfsFile"}, {"value", value}};
  }
  static json deleted(const std::string& path, const std::string& key = "deletedFile") {
    return {{"key", key}, {"value", {{"path", path}}}};
  }
  Reply commit(const std::vector<json>& lines, const std::string& parent = "",
               const std::string& token = "hf_w", const std::string& branch = "main") const {
    json header = {{"summary", "Add things"}, {"description", "Two lines\nof it"}};
    if (!parent.empty()) header["parentCommit"] = parent;
    std::string body = json({{"key", "header"}, {"value", header}}).dump() + "\n";
    for (const json& line : lines) body += line.dump() + "\n";
    return commit_body(body, token, branch);
  }
  Reply commit_body(const std::string& body, const std::string& token = "hf_w",
                    const std::string& branch = "main") const {
    return ask(api("/commit/" + branch), {.method = "POST",
                                          .token = token,
                                          .headers = {"Content-Type: application/x-ndjson"},
                                          .body = body});
  }
  std::string bytes_at(const std::string& path, const std::string& revision = "main") const {
    const std::optional<RepoEntry> entry = repo_.find(*repo_.resolve(revision), path);
    return entry ? read_all(*repo_.content(*entry)) : "(absent)";
  }

  const std::string binary_ = read_all(*generated_content(1, 100'000));
  TestHub hub_;
  TestRepo& repo_ = hub_.create_repo("team/cache", {.is_private = true});
  std::string first_;
};

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
}

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
}

}  // namespace
}  // namespace neffs::test
