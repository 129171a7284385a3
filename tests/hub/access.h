// Who may do what: tokens, their roles, and the Hub's ways of saying no.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/hub/exchange.h"
#include "tests/hub/test_repo.h"

namespace neffs::test {

enum class Role { kNone, kRead, kWrite };

// A token of a test. Public repos are readable with any role, or none.
struct TestToken {
  std::string user = "tester";
  std::map<std::string, Role> roles{};       // by repo
  Role elsewhere = Role::kNone;              // in every repo not named in `roles`
  std::vector<std::string> organizations{};  // where it may create repos, besides its user's own

  bool writes_somewhere() const;
};

// Who sends a request.
struct Caller {
  std::string token;  // "" if the request has no Authorization header
  std::optional<TestToken> known;

  bool is_anonymous() const { return token.empty(); }
  Role role_in(const std::string& repo) const;
};

// Any thread may call.
class Access {
 public:
  void add_token(const std::string& token, TestToken rights);
  // The token is refused from now on, as an expired one is.
  void revoke_token(const std::string& token);
  // From now on `user` may write there with every token that may write somewhere.
  void let_write(const std::string& user, const std::string& repo);
  Caller caller(const Request& request) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, TestToken> tokens_;  // guarded by mutex_
};

// Each returns the Hub's refusal, or nullopt if there is none. `repo` is nullptr if there is no
// such repo, which the Hub does not tell from a private one.
std::optional<Answer> refuse_reading(const TestRepo* repo, const Caller& caller);
// File contents: what gating protects. To be asked after refuse_reading.
std::optional<Answer> refuse_content(const TestRepo& repo, const Caller& caller);
// Whoever has no good token, whatever it is for.
std::optional<Answer> refuse_unknown(const Caller& caller);
std::optional<Answer> refuse_writing(const TestRepo* repo, const Caller& caller);
// To make a repo in `space`, a user's or an organization's.
std::optional<Answer> refuse_creating(const std::string& space, const Caller& caller);

// GET /api/whoami-v2
Answer serve_whoami(const Caller& caller);

}  // namespace neffs::test
