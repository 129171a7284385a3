// The writing client of hub/ wired to a test Hub with one private repo.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "hub/file_body.h"
#include "hub/hub_push_repo.h"
#include "tests/eventually.h"
#include "tests/hub/test_hub.h"
#include "tests/unit/hub/hub_under_test.h"

namespace neffs::test {

// A token file that a test can replace while a client uses it.
class TokenFile {
 public:
  explicit TokenFile(const std::string& token) { set(token); }
  ~TokenFile() { static_cast<void>(std::remove(path_.c_str())); }
  TokenFile(const TokenFile&) = delete;
  TokenFile& operator=(const TokenFile&) = delete;

  void set(const std::string& token) const { std::ofstream(path_) << token; }
  const std::string& path() const { return path_; }

 private:
  const std::string path_ = ::testing::TempDir() + "neffs-token-" + std::to_string(::getpid());
};

class PushTest : public ::testing::Test {
 protected:
  PushTest() {
    hub_.add_token(kToken, writer());
    hub_.set_rate_policy(RatePolicy{{5000, 5000, 5000}, {5000, 5000, 5000}, 300, 128, false});
  }

  static TestToken writer() {
    return {.user = "ada", .roles = {{"team/cache", Role::kWrite}}, .organizations = {"team"}};
  }
  static hub::CallLimits within(std::chrono::milliseconds time) {
    return {std::chrono::steady_clock::now() + time, {}};
  }
  static hub::CallLimits soon() { return within(std::chrono::seconds(30)); }

  hub::CommitRequest request(const std::string& parent) const {
    hub::CommitRequest request;
    request.parent = parent;
    request.summary = "Add modules";
    return request;
  }
  // A commit of one small file.
  hub::CommitRequest small_commit(const std::string& path = "a.json") const {
    auto small = request(repo_.head());
    small.regular_files = {{path, "{}"}};
    return small;
  }
  std::size_t commits() const { return repo_.history(repo_.head()).size(); }
  std::string bytes_at(const std::string& path) const {
    const auto entry = repo_.find(repo_.head(), path);
    return entry ? read_all(*repo_.content(*entry)) : "(absent)";
  }
  static hub::LfsObject object_of(const std::string& bytes) {
    return {sha256_of(bytes), bytes.size()};
  }

  TestHub hub_;
  TestRepo& repo_ = hub_.create_repo("team/cache", {.is_private = true});
  TokenFile token_{kToken};
  HubUnderTest client_{hub_.endpoint(), {{"HF_TOKEN_PATH", token_.path()}}};
  hub::HubPushRepo push_{client_.client, "team/cache", "main"};
};

}  // namespace neffs::test
