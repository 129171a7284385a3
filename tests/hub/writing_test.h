// What the tests of the writing endpoints share: a private repo, a token that may write to it, and
// the requests of a client that pushes.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/hub/digest.h"
#include "tests/hub/test_client.h"
#include "tests/hub/test_hub.h"

namespace neffs::test {

class WritingTest : public ::testing::Test {
 protected:
  using json = nlohmann::json;

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

  void limit(const std::function<void(WritingLimits&)>& edit) {
    Behaviour behaviour = hub_.behaviour();
    edit(behaviour.limits);
    hub_.set_behaviour(behaviour);
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
  Reply batch(const std::vector<json>& objects,
              const std::vector<std::string>& transfers = {"basic", "multipart"}) const {
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
    return json::parse(batch({object(bytes)}).body)["objects"][0];
  }
  static Reply put(const std::string& url, const std::string& bytes) {
    return ask(url, {.method = "PUT", .body = bytes});
  }
  void upload(const std::string& bytes) const {
    const std::string href = offer(bytes)["actions"]["upload"]["href"];
    EXPECT_EQ(put(href, bytes).status, 200);
  }
  // Sends the parts that the offer asks for; returns what completing it takes.
  static json put_parts(const json& offered, const std::string& bytes) {
    const json& header = offered.at("actions").at("upload").at("header");
    const std::size_t size = std::stoull(header.at("chunk_size").get<std::string>());
    json parts = json::array();
    for (std::size_t number = 1; (number - 1) * size < bytes.size(); ++number) {
      const std::string digits = std::to_string(number);
      const std::string url = header.at(std::string(5 - digits.size(), '0') + digits);
      const Reply reply = put(url, bytes.substr((number - 1) * size, size));
      EXPECT_EQ(reply.status, 200) << reply.body;
      parts.push_back({{"partNumber", number}, {"etag", reply.header("ETag")}});
    }
    return parts;
  }
  Reply complete(const json& offered, const json& parts) const {
    return lfs(offered["actions"]["upload"]["href"], {{"oid", offered["oid"]}, {"parts", parts}},
               "");
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
  // A commit that the Hub must refuse, with that status; nothing may have changed.
  Reply refused(int status, const std::vector<json>& lines, const std::string& parent = "") {
    const std::string before = repo_.head();
    Reply reply = commit(lines, parent);
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_EQ(repo_.head(), before);
    return reply;
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

}  // namespace neffs::test
