#include "mount-helper/commands/doctor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <utility>
#include <vector>

#include "mount-helper/answer.h"
#include "mount-helper/command_error.h"
#include "mount-helper/control.h"
#include "mount-helper/findings.h"
#include "mount-helper/host_facts.h"
#include "mount-helper/host_findings.h"
#include "mount-helper/hub_session.h"
#include "mount-helper/invoker.h"
#include "mount-helper/mount_table.h"
#include "mount-helper/output.h"
#include "mount-helper/source.h"

namespace neffs::mount_helper {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kMountIt = "neffs mount mounts it";

// Everything that is looked at in what a mount says, in the order of the report.
using Check = std::vector<Finding> (*)(const Json& status);
constexpr std::array<Check, 5> kChecks = {find_source_trouble, find_stale_locks, find_failures,
                                          find_full_folders, find_push_trouble};

std::vector<Finding> findings_of(const Diagnosis& diagnosis) {
  auto findings = diagnosis.around;
  for (const Check check : kChecks)
    for (Finding& finding : check(diagnosis.status)) findings.push_back(std::move(finding));
  return findings;
}

// What a mount shows first, or would by default.
Source source_to_ask(const Json& status, const Invoker& invoker) {
  const Json& sources = list_in(status, "sources");
  if (sources.empty()) return default_sources(invoker).front();
  return {word_in(sources.front(), "repo"), word_in(sources.front(), "revision")};
}

// Of the way to the Hub. What a repo refuses this command says nothing of a mount, whose token may be
// another.
std::vector<Finding> find_way_trouble(const Json& status, const HubReach& reach) {
  const bool is_refusal = reach.failure && hub::is_definite(*reach.failure);
  return is_refusal && status.contains("sources") ? std::vector<Finding>()
                                                  : find_hub_trouble(reach);
}

// Sends a request or two, unless nothing is to be sent.
void look_around(Diagnosis& diagnosis, const std::filesystem::path& mount_point) {
  const auto invoker = invoker_of_process();
  const auto environment = environment_of(invoker, "");
  const auto host = look_at_host(mount_point, environment);
  const bool is_silent = diagnosis.status.value("offline", false);
  const auto reach =
      is_silent ? HubReach() : reach_hub(source_to_ask(diagnosis.status, invoker), environment);
  for (auto& found : {find_host_trouble(host), find_stray_cache(host, mount_point),
                      find_way_trouble(diagnosis.status, reach)})
    diagnosis.around.insert(diagnosis.around.end(), found.begin(), found.end());
  diagnosis.notes = notes_of(host, mount_point);
  diagnosis.host = {{"kernel", host.kernel},
                    {"libfuse", host.fuse_library},
                    {"disk", host.disk},
                    {"free_bytes", host.free_bytes},
                    {"token_of", reach.user.empty() ? Json() : Json(reach.user)}};
}

// A mount that does not answer is a finding like others.
Json status_of(const std::filesystem::path& mount_point, Diagnosis& diagnosis) {
  const auto answer = ask(mount_point, status_request());
  if (answer.health != MountHealth::kDead) return understand(mount_point, answer);
  diagnosis.around.push_back(
      {"mount", mount_point.string(), "its daemon is gone",
       "neffs mount detaches it and mounts anew; what is queued is published then"});
  return {{"mountpoint", mount_point.string()}};
}

}  // namespace

Json diagnosis_json(const Diagnosis& diagnosis) {
  Json json;
  json["mountpoint"] = word_in(diagnosis.status, "mountpoint");
  json["removed"] = list_in(diagnosis.cleared, "removed");
  json["in_use"] = list_in(diagnosis.cleared, "in_use");
  json["findings"] = Json::array();
  for (const Finding& finding : findings_of(diagnosis))
    json["findings"].push_back(finding_json(finding));
  json["notes"] = Json::array();
  for (const Finding& note : diagnosis.notes) json["notes"].push_back(finding_json(note));
  json["host"] = diagnosis.host;
  return json;
}

std::string diagnosis_text(const Diagnosis& diagnosis, bool is_colored) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Json& lock : list_in(diagnosis.cleared, "removed"))
    rows.emplace_back("removed", word_in(lock, "path") + ": " + lock_text(lock));
  for (const Json& lock : list_in(diagnosis.cleared, "in_use"))
    rows.emplace_back("left", word_in(lock, "path") + ": somebody has it open");
  const auto wrong = finding_rows(findings_of(diagnosis));
  rows.insert(rows.end(), wrong.begin(), wrong.end());
  if (wrong.empty()) rows.emplace_back("all well", "nothing is wrong");
  const auto notes = finding_rows(diagnosis.notes);
  rows.insert(rows.end(), notes.begin(), notes.end());
  return bold(word_in(diagnosis.status, "mountpoint"), is_colored) + '\n' + aligned(rows);
}

int doctor_command(const DoctorRequest& request) {
  const auto table = read_mount_table();
  const auto mount_point = mount_path(request.mount_point, table);
  const auto mounted = mount_at(table, mount_point);
  const bool is_ours = mounted && mounted->type == kFilesystemType;
  if (!is_ours && request.clears_stale_locks)
    throw CommandError(mount_point.string(), "not mounted", kMountIt);
  Diagnosis diagnosis;
  diagnosis.cleared = Json::object();
  if (request.clears_stale_locks)
    diagnosis.cleared = ask_or_throw(mount_point, clear_stale_locks_request());
  if (is_ours) {
    diagnosis.status = status_of(mount_point, diagnosis);
  } else {
    diagnosis.status = {{"mountpoint", mount_point.string()}};
    diagnosis.around.push_back({"mount", mount_point.string(), "not mounted", kMountIt});
  }
  look_around(diagnosis, mount_point);
  if (request.is_json) {
    const Json shown = diagnosis_json(diagnosis);
    fmt::print("{}\n", shown.dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    fmt::print("{}", diagnosis_text(diagnosis, has_color(STDOUT_FILENO)));
  }
  return findings_of(diagnosis).empty() ? kSuccess : kFailure;
}

}  // namespace neffs::mount_helper
