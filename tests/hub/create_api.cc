#include "tests/hub/create_api.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/hub/digest.h"
#include "tests/hub/model_card.h"
#include "tests/hub/repo_path.h"

namespace neffs::test {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestName = 96;

bool is_name(const std::string& name) {
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("-_.").find(static_cast<char>(c)) != std::string_view::npos;
  };
  const auto is_edge = [](char c) { return c == '-' || c == '.'; };
  return !name.empty() && name.size() <= kLongestName &&
         std::all_of(name.begin(), name.end(), allowed) && !is_edge(name.front()) &&
         !is_edge(name.back()) && name.find("--") == std::string::npos &&
         name.find("..") == std::string::npos && !name.ends_with(".git");
}

// "" if the field is missing or null.
std::string text_field(const json& body, const char* name) {
  if (!body.contains(name) || body[name].is_null()) return "";
  if (!body[name].is_string()) {
    throw Refused{error_answer(400, "", "\"" + std::string(name) + "\" must be a string")};
  }
  return body[name];
}

bool wants_private(const json& body) {
  const std::string visibility = text_field(body, "visibility");
  if (visibility.empty()) return body.value("private", false);
  if (visibility == "public" || visibility == "private") return visibility == "private";
  throw Refused{error_answer(400, "", "\"visibility\" must be one of [public, private]")};
}

json created(const HubView& hub, const std::string& name) {
  return {{"url", hub.endpoint + "/" + name},
          {"name", name},
          {"id", digest_hex(DigestKind::kMd5, name).substr(0, 24)}};
}

Answer already_there(const HubView& hub, const std::string& name) {
  json body = created(hub, name);
  body["error"] = "You already created this model repo: " + name;
  return json_answer(body, 409);
}

}  // namespace

Answer serve_create(const HubView& hub, const Request& request) {
  if (std::optional<Answer> refusal = refuse_unknown(hub.caller)) return *refusal;
  const json body = json::parse(request.body, nullptr, false);
  if (!body.is_object()) return error_answer(400, "", "Expected a JSON object");
  const std::string own_name = text_field(body, "name");
  std::string space = text_field(body, "organization");
  if (space.empty()) space = hub.caller.known->user;
  if (!is_name(own_name) || !is_name(space)) {
    return error_answer(400, "", "Invalid repo name: " + space + "/" + own_name);
  }
  const std::string type = text_field(body, "type");
  if (!type.empty() && type != "model") return error_answer(400, "", "Only models are kept here");
  const bool is_private = wants_private(body);
  if (std::optional<Answer> refusal = refuse_creating(space, hub.caller)) return *refusal;
  const std::string name = space + "/" + own_name;
  try {
    hub.repos.create(name, {.is_private = is_private});
  } catch (const std::invalid_argument&) {  // also if another request was quicker
    return already_there(hub, name);
  }
  hub.access.let_write(hub.caller.known->user, name);
  return json_answer(created(hub, name));
}

Answer serve_create_branch(const HubView& hub, const Request& request) {
  constexpr std::size_t kRepoAt = 2;  // /api/models/{namespace}/{name}/branch/{name}
  TestRepo& repo = writable_repo(hub, request, kRepoAt);
  const json body = request.body.empty() ? json::object() : json::parse(request.body);
  const std::string& name = request.segments.at(5);
  const std::string fault = fault_of_path(name);
  if (!fault.empty()) return error_answer(400, "", "branch name " + fault);
  if (body.value("emptyBranch", false)) {
    return error_answer(400, "", "Empty branches are not made here");
  }
  const std::string from = text_field(body, "startingPoint");
  const std::string commit = commit_of(repo, from.empty() ? "main" : from);
  const std::string ref = "refs/heads/" + name;
  if (repo.refs().contains(ref) && !body.value("overwrite", false)) {
    return error_answer(409, "", "Reference already exists: " + ref);
  }
  repo.set_ref(ref, commit);
  return json_answer(json::object());
}

Answer serve_validate_yaml(const Request& request) {
  const json body = json::parse(request.body, nullptr, false);
  if (!body.is_object() || !body.contains("content") || !body["content"].is_string()) {
    return error_answer(400, "", "\"content\" must be a string");
  }
  json errors = json::array();
  json warnings = json::array();
  const std::string fault = fault_of_card(body["content"].get<std::string>());
  if (!fault.empty()) errors.push_back({{"message", fault}});
  if (!has_front_matter(body["content"].get<std::string>())) {
    warnings.push_back({{"message", "empty or missing yaml metadata in repo card"}});
  }
  return json_answer({{"errors", errors}, {"warnings", warnings}}, fault.empty() ? 200 : 400);
}

}  // namespace neffs::test
