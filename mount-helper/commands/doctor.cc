#include "mount-helper/commands/doctor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <utility>
#include <vector>

#include "mount-helper/answer.h"
#include "mount-helper/command_error.h"
#include "mount-helper/control.h"
#include "mount-helper/findings.h"
#include "mount-helper/mount_table.h"
#include "mount-helper/output.h"

namespace neffs::mount_helper {
namespace {

using Json = nlohmann::ordered_json;

// Everything that is looked at, in the order of the report.
using Check = std::vector<Finding> (*)(const Json& status);
constexpr std::array<Check, 3> kChecks = {find_stale_locks, find_failures, find_full_folders};

std::vector<Finding> findings_of(const Json& status) {
  std::vector<Finding> findings;
  for (const Check check : kChecks)
    for (Finding& finding : check(status)) findings.push_back(std::move(finding));
  return findings;
}

std::string find_mount(const std::string& typed) {
  const auto table = read_mount_table();
  const auto path = mount_path(typed, table);
  const auto mounted = mount_at(table, path);
  if (!mounted || mounted->type != kFilesystemType)
    throw CommandError(path.string(), "not mounted", "neffs mount mounts it");
  return path.string();
}

}  // namespace

Json diagnosis_json(const Diagnosis& diagnosis) {
  Json json;
  json["mountpoint"] = word_in(diagnosis.status, "mountpoint");
  json["removed"] = list_in(diagnosis.cleared, "removed");
  json["in_use"] = list_in(diagnosis.cleared, "in_use");
  json["findings"] = Json::array();
  for (const Finding& finding : findings_of(diagnosis.status))
    json["findings"].push_back(finding_json(finding));
  return json;
}

std::string diagnosis_text(const Diagnosis& diagnosis, bool is_colored) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Json& lock : list_in(diagnosis.cleared, "removed"))
    rows.emplace_back("removed", word_in(lock, "path") + ": " + lock_text(lock));
  for (const Json& lock : list_in(diagnosis.cleared, "in_use"))
    rows.emplace_back("left", word_in(lock, "path") + ": somebody has it open");
  const auto wrong = finding_rows(findings_of(diagnosis.status));
  rows.insert(rows.end(), wrong.begin(), wrong.end());
  if (wrong.empty()) rows.emplace_back("all well", "nothing is wrong");
  return bold(word_in(diagnosis.status, "mountpoint"), is_colored) + '\n' + aligned(rows);
}

int doctor_command(const DoctorRequest& request) {
  const std::string mount_point = find_mount(request.mount_point);
  Diagnosis diagnosis;
  diagnosis.cleared = Json::object();
  if (request.clears_stale_locks)
    diagnosis.cleared = ask_or_throw(mount_point, clear_stale_locks_request());
  diagnosis.status = ask_or_throw(mount_point, status_request());
  if (request.is_json) {
    const Json shown = diagnosis_json(diagnosis);
    fmt::print("{}\n", shown.dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    fmt::print("{}", diagnosis_text(diagnosis, has_color(STDOUT_FILENO)));
  }
  return findings_of(diagnosis.status).empty() ? kSuccess : kFailure;
}

}  // namespace neffs::mount_helper
