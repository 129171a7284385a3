#include "mount-helper/commands/retract.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <system_error>

#include "hub/hub_push_repo.h"
#include "hub/hub_repo.h"
#include "mount-helper/answer.h"
#include "mount-helper/command_error.h"
#include "mount-helper/confirm.h"
#include "mount-helper/control.h"
#include "mount-helper/hub_session.h"
#include "mount-helper/output.h"
#include "mount-helper/place.h"
#include "mount-helper/retraction.h"
#include "mount-helper/source.h"

namespace neffs::mount_helper {
namespace {

namespace stdfs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds kToAsk{60};
constexpr std::chrono::seconds kToCommit{150};

// Where the modules go from.
struct Target {
  stdfs::path mount_point;
  std::vector<std::string> names;  // of modules, as find_modules() takes them
  Source source;
  std::optional<Json> status;  // of the mount, if it shows that very branch
};

Source source_in(const Json& status) {
  for (const Json& source : list_in(status, "sources"))
    if (source.value("push", false)) return {word_in(source, "repo"), word_in(source, "revision")};
  const auto why = status.contains("push") ? word_in(status.at("push"), "why") : "";
  throw CommandError(word_in(status, "mountpoint"), "this mount publishes nothing: " + why,
                     "--repo names the repo to retract from");
}

bool shows(const Json& status, const Source& source) {
  const auto& sources = list_in(status, "sources");
  return std::any_of(sources.begin(), sources.end(), [&](const Json& shown) {
    return word_in(shown, "repo") == source.repo && word_in(shown, "revision") == source.revision;
  });
}

Target target_of(const RetractRequest& request, const Invoker& invoker) {
  const auto table = read_mount_table();
  Target target;
  for (const auto& subject : request.subjects) {
    auto place = place_of(subject, request.mount_point, table, stdfs::current_path());
    if (!target.names.empty() && place.mount_point != target.mount_point)
      throw usage_error(printable(subject), "in another mount than the others", "one at a time");
    target.mount_point = place.mount_point;
    target.names.push_back(std::move(place.path));
  }
  if (is_neffs_mounted_at(table, target.mount_point))
    target.status = ask_or_throw(target.mount_point, status_request());
  if (!request.repo.empty())
    target.source = only_source(parse_sources(request.repo));
  else
    target.source = target.status ? source_in(*target.status) : default_sources(invoker).front();
  if (target.status && !shows(*target.status, target.source)) target.status.reset();
  return target;
}

// It would come back with the next commit.
void refuse_what_is_on_its_way(const Json& status, const std::vector<RetractedModule>& modules) {
  constexpr std::array<std::string_view, 3> kOnItsWay = {"waiting", "queued", "uploading"};
  if (!status.contains("push")) return;
  for (const Json& upload : list_in(status.at("push"), "modules")) {
    const auto path = word_in(upload, "path");
    const auto state = word_in(upload, "state");
    if (std::find(kOnItsWay.begin(), kOnItsWay.end(), state) == kOnItsWay.end()) continue;
    if (std::any_of(modules.begin(), modules.end(), [&](const auto& m) { return m.path == path; }))
      throw CommandError(path, "it is about to be published from here (" + state + ")",
                         "neffs flush waits for that, or delete it here");
  }
}

// out: stdout, unless that is to be JSON
void name_modules(const std::vector<RetractedModule>& modules, std::FILE* out) {
  std::vector<std::pair<std::string, std::string>> rows;
  rows.reserve(modules.size());
  for (const auto& module : modules)
    rows.emplace_back(
        printable(module.path),
        fmt::format("{}, {}", counted(module.files.size(), "file"), human_size(module.bytes)));
  fmt::print(out, "{}", aligned(rows));
  std::fflush(out);
}

void print_json(const Source& source, const std::string& commit,
                const std::vector<RetractedModule>& modules) {
  auto retracted = Json::array();
  for (const auto& module : modules)
    retracted.push_back(
        {{"path", module.path}, {"files", module.files.size()}, {"bytes", module.bytes}});
  const Json answer = {{"repo", source.repo},
                       {"revision", source.revision},
                       {"commit", commit},
                       {"modules", std::move(retracted)}};
  fmt::print("{}\n", answer.dump(2, ' ', false, Json::error_handler_t::replace));
}

std::string repo_text(const Source& source, const std::string& endpoint) {
  auto text = fmt::format("{}@{}", source.repo, source.revision);
  if (endpoint != hub::kDefaultEndpoint) text += " at " + endpoint;
  return text;
}

// As `rm -r` through the mount: hidden until the repo has it anew, and never published from here.
void remove_copy(const stdfs::path& mount_point, const std::string& module) {
  const auto answer = ask_or_throw(mount_point, explain_request(module));
  if (answer.value("wholly_local", false)) {
    warn(fmt::format(
        "{} was compiled or found here and is no copy of the repo's: it stays, and is used here",
        module));
    return;
  }
  std::error_code error;
  stdfs::remove_all(mount_point / module, error);
  if (error)
    throw CommandError((mount_point / module).string(),
                       "retracted from the repo, but its copy here stays: " + error.message(),
                       "rm -r removes it");
}

}  // namespace

int retract_command(const RetractRequest& request) {
  const auto invoker = invoker_of_process();
  const auto target = target_of(request, invoker);
  const auto& repo = target.source.repo;
  const auto& branch = target.source.revision;
  const HubSession session(environment_of(invoker, ""));
  hub::HubRepo reader(session.client(), repo, branch, kToAsk);
  hub::HubPushRepo writer(session.client(), repo, branch);
  const hub::CallLimits limits{std::chrono::steady_clock::now() + kToAsk, {}};
  if (const auto access = writer.access(limits); access.refusal)
    throw hub::HubError(*access.refusal);
  const auto modules = find_modules(reader, reader.head(), target.names, limits.deadline);
  if (target.status) refuse_what_is_on_its_way(*target.status, modules);
  name_modules(modules, request.is_json ? stderr : stdout);
  const auto shown = repo_text(target.source, session.client().endpoint());
  const auto question =
      fmt::format("remove {} from {}, for everybody?", counted(modules.size(), "module"), shown);
  if (!request.is_sure && !is_confirmed(question)) return kFailure;
  std::vector<std::string> paths;
  paths.reserve(modules.size());
  for (const auto& module : modules) paths.push_back(module.path);
  const auto commit =
      remove_modules(reader, writer, paths, {std::chrono::steady_clock::now() + kToCommit, {}});
  if (request.is_json)
    print_json(target.source, commit, modules);
  else
    fmt::print("retracted {} from {} as {}\n", counted(modules.size(), "module"), shown,
               commit.substr(0, 12));
  if (target.status)
    for (const auto& path : paths) remove_copy(target.mount_point, path);
  return kSuccess;
}

}  // namespace neffs::mount_helper
