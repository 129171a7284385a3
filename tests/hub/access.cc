#include "tests/hub/access.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace neffs::test {
namespace {

constexpr std::string_view kBearer = "Bearer ";

Answer bad_credentials() {
  return error_answer(401, "", "Invalid credentials in Authorization header");
}

// Missing and private are one answer, so that nobody can find out which names exist.
Answer no_such_repo(const Caller& caller) {
  if (caller.is_anonymous()) return error_answer(401, "", "Invalid username or password.");
  if (!caller.known) return bad_credentials();
  return error_answer(404, "RepoNotFound", "Repository not found");
}

}  // namespace

bool TestToken::writes_somewhere() const {
  return elsewhere == Role::kWrite || std::any_of(roles.begin(), roles.end(), [](const auto& item) {
           return item.second == Role::kWrite;
         });
}

Role Caller::role_in(const std::string& repo) const {
  if (!known) return Role::kNone;
  const auto found = known->roles.find(repo);
  return found == known->roles.end() ? known->elsewhere : found->second;
}

void Access::add_token(const std::string& token, TestToken rights) {
  const std::scoped_lock lock(mutex_);
  tokens_[token] = std::move(rights);
}

void Access::revoke_token(const std::string& token) {
  const std::scoped_lock lock(mutex_);
  tokens_.erase(token);
}

void Access::let_write(const std::string& user, const std::string& repo) {
  const std::scoped_lock lock(mutex_);
  for (auto& [token, rights] : tokens_) {
    if (rights.user == user && rights.writes_somewhere()) rights.roles[repo] = Role::kWrite;
  }
}

Caller Access::caller(const Request& request) const {
  Caller caller;
  const std::string header = request.header("Authorization");
  if (!header.starts_with(kBearer)) return caller;
  caller.token = header.substr(kBearer.size());
  const std::scoped_lock lock(mutex_);
  const auto found = tokens_.find(caller.token);
  if (found != tokens_.end()) caller.known = found->second;
  return caller;
}

std::optional<Answer> refuse_reading(const TestRepo* repo, const Caller& caller) {
  if (repo == nullptr) return no_such_repo(caller);
  const RepoSettings settings = repo->settings();
  if (settings.is_private && caller.role_in(repo->name()) == Role::kNone) {
    return no_such_repo(caller);
  }
  if (settings.is_disabled) {
    return error_answer(403, "", "Access to this resource is disabled.");
  }
  return std::nullopt;
}

std::optional<Answer> refuse_content(const TestRepo& repo, const Caller& caller) {
  if (!repo.settings().is_gated || caller.role_in(repo.name()) != Role::kNone) {
    return std::nullopt;
  }
  const std::string start = "Access to model " + repo.name() + " is restricted";
  if (caller.is_anonymous()) {
    return error_answer(401, "GatedRepo",
                        start +
                            ". You must have access to it and be authenticated to access it. "
                            "Please log in.");
  }
  return error_answer(403, "GatedRepo", start + " and you are not in the authorized list.");
}

std::optional<Answer> refuse_unknown(const Caller& caller) {
  if (caller.is_anonymous()) return error_answer(401, "", "Invalid username or password.");
  if (!caller.known) return bad_credentials();
  return std::nullopt;
}

std::optional<Answer> refuse_writing(const TestRepo* repo, const Caller& caller) {
  if (std::optional<Answer> refusal = refuse_reading(repo, caller)) return refusal;
  if (std::optional<Answer> refusal = refuse_unknown(caller)) return refusal;
  if (caller.role_in(repo->name()) == Role::kWrite) return std::nullopt;
  return error_answer(
      403, "", "Forbidden: pass `create_pr=1` as a query parameter to create a Pull Request");
}

std::optional<Answer> refuse_creating(const std::string& space, const Caller& caller) {
  if (std::optional<Answer> refusal = refuse_unknown(caller)) return refusal;
  const auto& organizations = caller.known->organizations;
  const bool at_home =
      space == caller.known->user ||
      std::find(organizations.begin(), organizations.end(), space) != organizations.end();
  if (at_home ? caller.known->writes_somewhere() : caller.known->elsewhere == Role::kWrite) {
    return std::nullopt;
  }
  return error_answer(
      403, "", "You don't have the rights to create a model under the namespace \"" + space + "\"");
}

Answer serve_whoami(const Caller& caller) {
  if (std::optional<Answer> refusal = refuse_unknown(caller)) return *refusal;
  nlohmann::json organizations = nlohmann::json::array();
  for (const std::string& name : caller.known->organizations) {
    organizations.push_back({{"type", "org"}, {"name", name}, {"roleInOrg", "write"}});
  }
  return json_answer({{"type", "user"},
                      {"id", "64f0000000000000000000aa"},
                      {"name", caller.known->user},
                      {"fullname", caller.known->user},
                      {"orgs", organizations},
                      {"auth",
                       {{"type", "access_token"},
                        {"accessToken",
                         {{"displayName", "test"},
                          {"role", caller.known->writes_somewhere() ? "write" : "read"}}}}}});
}

}  // namespace neffs::test
