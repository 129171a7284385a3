#include "tests/hub/control_api.h"

#include <chrono>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/hub/digest.h"
#include "tests/hub/fault_words.h"
#include "tests/hub/test_hub.h"

namespace neffs::test {
namespace {

using nlohmann::json;

Match to_match(const Request& request) {
  json fields = json::object();
  for (const char* name : {"kind", "host", "text", "method"}) {
    if (request.query.contains(name)) fields[name] = request.query_value(name);
  }
  return match_of(fields);
}

Role to_role(const std::string& word) {
  if (word == "write") return Role::kWrite;
  return word == "read" ? Role::kRead : Role::kNone;
}

NewFile to_file(const json& from) {
  std::optional<bool> lfs;
  if (from.contains("lfs")) lfs = from["lfs"].get<bool>();
  const std::string path = from.at("path");
  if (from.contains("seed")) return {path, generated_content(from["seed"], from.at("size")), lfs};
  if (from.contains("base64")) {
    return {path, from_base64(from["base64"].get<std::string>()), lfs};
  }
  return {path, from.value("text", ""), lfs};
}

json to_json(const LoggedRequest& request) {
  return {{"number", request.number},         {"host", request.host == Host::kCdn ? "cdn" : "hub"},
          {"kind", to_string(request.kind)},  {"method", request.method},
          {"target", request.target},         {"range", request.range},
          {"user_agent", request.user_agent}, {"authorized", request.authorized},
          {"status", request.status},         {"bytes_received", request.bytes_received},
          {"bytes_sent", request.bytes_sent}, {"finished", request.finished}};
}

json requests(TestHub& hub, const Request& request) {
  if (request.method == "DELETE") {
    hub.traffic().reset();
    return json::object();
  }
  json log = json::array();
  for (const LoggedRequest& item : hub.traffic().log(to_match(request))) {
    log.push_back(to_json(item));
  }
  return log;
}

json counts(TestHub& hub, const Request&) {
  json counts = json::object();
  for (const auto& [kind, count] : hub.traffic().counts()) counts[to_string(kind)] = count;
  return counts;
}

json wait(TestHub& hub, const Request& request) {
  const std::string count = request.query_value("count");
  const std::string seconds = request.query_value("seconds");
  const bool arrived =
      hub.traffic().wait_for(to_match(request), count.empty() ? 1 : std::stoull(count),
                             std::chrono::seconds(seconds.empty() ? 10 : std::stoll(seconds)));
  if (!arrived) throw Refused{error_answer(408, "", "the requests have not arrived")};
  return json::object();
}

json faults(TestHub& hub, const Request& request) {
  if (request.method == "DELETE") {
    hub.faults().clear();
    return json::object();
  }
  const json body = json::parse(request.body);
  const std::size_t times = body.value("times", Faults::kForEver);
  const Match match = match_of(body.value("match", json::object()));
  return {{"rule", hub.faults().add(match, fault_of(body.at("fault")), times)}};
}

json hold(TestHub& hub, const Request& request) {
  const json body = json::parse(request.body);
  HoldPoint point = HoldPoint::kBeforeHandling;
  if (body.value("before_answering", false)) point = HoldPoint::kBeforeAnswering;
  if (body.value("while_committing", false)) point = HoldPoint::kWhileCommitting;
  return {{"gate", hub.pauses().close_gate(match_of(body.value("match", json::object())), point)}};
}

json release(TestHub& hub, const Request& request) {
  hub.pauses().open_gate(json::parse(request.body).at("gate"));
  return json::object();
}

void set_rate(TestHub& hub, const json& rate) {
  RatePolicy policy;
  policy.window_s = rate.value("window_s", policy.window_s);
  for (RateQuota* quota : {&policy.anonymous, &policy.with_token}) {
    quota->api = rate.value("api", quota->api);
    quota->resolvers = rate.value("resolvers", quota->resolvers);
  }
  policy.commits_per_hour = rate.value("commits_per_hour", policy.commits_per_hour);
  hub.set_rate_policy(policy);
}

void set_limits(WritingLimits& limits, const json& from) {
  limits.preupload_files = from.value("preupload_files", limits.preupload_files);
  limits.git_file = from.value("git_file", limits.git_file);
  limits.parts_from = from.value("parts_from", limits.parts_from);
  limits.part_size = from.value("part_size", limits.part_size);
  limits.directory_entries = from.value("directory_entries", limits.directory_entries);
}

json settings(TestHub& hub, const Request& request) {
  const json body = json::parse(request.body);
  if (body.contains("latency_ms")) {
    hub.set_latency(std::chrono::milliseconds(body["latency_ms"].get<std::int64_t>()));
  }
  if (body.contains("bytes_per_second")) hub.set_bytes_per_second(body["bytes_per_second"]);
  if (body.contains("advance_clock_s")) {
    hub.advance_clock(std::chrono::seconds(body["advance_clock_s"].get<std::int64_t>()));
  }
  if (body.contains("rate")) set_rate(hub, body["rate"]);
  Behaviour behaviour = hub.behaviour();
  behaviour.direct_git_files = body.value("direct_git_files", behaviour.direct_git_files);
  behaviour.answers_compare = body.value("answers_compare", behaviour.answers_compare);
  behaviour.page_size = body.value("page_size", behaviour.page_size);
  behaviour.offers_verify = body.value("offers_verify", behaviour.offers_verify);
  behaviour.commit_duration = std::chrono::milliseconds(
      body.value("commit_duration_ms", behaviour.commit_duration.count()));
  set_limits(behaviour.limits, body.value("limits", json::object()));
  hub.set_behaviour(behaviour);
  return json::object();
}

json repos(TestHub& hub, const Request& request) {
  const json body = json::parse(request.body);
  const std::string name = body.at("name");
  TestRepo* repo = hub.repos().find(name);
  RepoSettings settings = repo == nullptr ? RepoSettings{} : repo->settings();
  settings.is_private = body.value("private", settings.is_private);
  settings.is_gated = body.value("gated", settings.is_gated);
  settings.is_disabled = body.value("disabled", settings.is_disabled);
  if (repo == nullptr) {
    repo = &hub.create_repo(name, settings);
  } else {
    repo->set_settings(settings);
  }
  return {{"head", repo->head()}};
}

json renames(TestHub& hub, const Request& request) {
  const json body = json::parse(request.body);
  hub.rename_repo(body.at("from"), body.at("to"));
  return json::object();
}

json files(TestHub& hub, const Request& request) {
  const TestRepo& repo = hub.repo(request.query_value("repo"));
  const std::string revision = request.query_value("revision");
  const std::string commit = commit_of(repo, revision.empty() ? "main" : revision);
  json files = json::object();
  const TestRepo::Listing entries = repo.list(commit, "", true);
  for (const RepoEntry& entry : *entries) {
    if (entry.is_directory) continue;
    files[entry.path] = {{"sha256", sha256_hex(*repo.content(entry))}, {"size", entry.size}};
  }
  return files;
}

json tokens(TestHub& hub, const Request& request) {
  const json body = json::parse(request.body);
  TestToken rights;
  rights.user = body.value("user", rights.user);
  rights.elsewhere = to_role(body.value("elsewhere", ""));
  rights.organizations = body.value("organizations", std::vector<std::string>{});
  const json roles = body.value("roles", json::object());
  for (const auto& [repo, role] : roles.items()) {
    rights.roles[repo] = to_role(role);
  }
  hub.add_token(body.at("token"), rights);
  return json::object();
}

json commits(TestHub& hub, const Request& request) {
  const json body = json::parse(request.body);
  CommitOptions options;
  options.branch = body.value("branch", options.branch);
  options.message = body.value("message", options.message);
  std::vector<NewFile> files;
  for (const json& file : body.value("files", json::array())) files.push_back(to_file(file));
  const auto deletes = body.value("deletes", std::vector<std::string>{});
  return {{"commit", hub.repo(body.at("repo")).commit(files, deletes, options)}};
}

using Verb = json (*)(TestHub&, const Request&);

const std::map<std::string, Verb>& verbs() {
  static const std::map<std::string, Verb> verbs = {
      {"requests", requests}, {"counts", counts},   {"wait", wait},         {"faults", faults},
      {"hold", hold},         {"release", release}, {"settings", settings}, {"repos", repos},
      {"renames", renames},   {"files", files},     {"tokens", tokens},     {"commits", commits},
  };
  return verbs;
}

}  // namespace

bool is_control_request(Host host, const Request& request) {
  return host == Host::kHub && request.segments.front() == "__test__";
}

Answer serve_control(TestHub& hub, const Request& request) {
  const auto verb = verbs().find(request.path_from(1));
  if (verb == verbs().end()) return error_answer(404, "", "no such control");
  try {
    return json_answer(verb->second(hub, request));
  } catch (const Refused& refused) {
    return refused.answer;
  } catch (const std::exception& error) {
    return error_answer(400, "", error.what());
  }
}

}  // namespace neffs::test
