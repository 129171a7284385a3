#include "mount-helper/findings.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <set>

#include "mount-helper/answer.h"
#include "mount-helper/mount_point.h"
#include "mount-helper/output.h"

namespace neffs::mount_helper {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kLock = "lock";
constexpr const char* kStaleLock = "stale lock";
// What the Hub takes in one folder, and from when on that is worth a word.
constexpr std::uint64_t kMostNames = 10'000;
constexpr std::uint64_t kManyNames = 9'000;
constexpr const char* kMakeRoom = "neffs retract removes old modules of it, or mount a new repo";

// "3 min ago", or "" if it is not said.
std::string ago(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return "";
  return human_duration(std::chrono::duration<double>(found->get<double>())) + " ago";
}

std::uint64_t number_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::string clear_command(const Json& answer) {
  const auto mount_point = word_in(answer, "mountpoint");
  const bool is_default = mount_point.empty() || mount_point == kDefaultMountPoint;
  return fmt::format("neffs doctor {}--clear-stale-locks removes it",
                     is_default ? "" : mount_point + " ");
}

}  // namespace

std::string lock_text(const Json& lock) {
  const auto when = ago(lock, "taken_s_ago");
  const auto creator = word_in(lock, "creator");
  const auto pid = lock.find("pid");
  std::string text = "made";
  if (!when.empty()) text += " " + when;
  if (pid == lock.end() || !pid->is_number_integer()) return text + " by a process unknown";
  text += fmt::format(" by process {}, ", pid->get<std::int64_t>());
  if (creator == "unknown") return text + "which cannot be judged from here";
  if (creator == "earlier boot") return text + "which is gone since an earlier boot";
  return text + "which is " + creator;
}

std::vector<Finding> find_locks(const Json& answer) {
  std::vector<Finding> findings;
  for (const Json& lock : list_in(answer, "locks")) {
    if (!lock.is_object()) continue;
    const auto creator = word_in(lock, "creator");
    Finding finding{kLock, word_in(lock, "path"), lock_text(lock), ""};
    if (creator == "gone" || creator == "earlier boot") {
      finding.check = kStaleLock;
      finding.mend = clear_command(answer);
    } else if (creator != "alive") {
      finding.mend = "delete it if nobody works there";
    }
    findings.push_back(std::move(finding));
  }
  return findings;
}

std::vector<Finding> find_stale_locks(const Json& answer) {
  auto findings = find_locks(answer);
  std::erase_if(findings, [](const Finding& finding) { return finding.check != kStaleLock; });
  return findings;
}

std::vector<Finding> find_failures(const Json& answer) {
  std::vector<Finding> findings;
  for (const Json& failure : list_in(answer, "failures")) {
    if (!failure.is_object()) continue;
    auto what = "compilation failed " + ago(failure, "age_s");
    if (const auto text = word_in(failure, "text"); !text.empty()) what += ": " + text;
    findings.push_back({"failure", word_in(failure, "path"), std::move(what),
                        "it is tried again with --retry_failed_compilation in NEURON_CC_FLAGS, or "
                        "when its model.log is deleted"});
  }
  return findings;
}

std::vector<Finding> find_full_folders(const Json& answer) {
  std::vector<Finding> findings;
  const auto found = answer.find("push");
  if (found == answer.end()) return findings;
  const Json& push = *found;
  std::set<std::string> full;
  for (const Json& folder : list_in(push, "full_folders"))
    if (folder.is_string()) full.insert(printable(folder.get<std::string>()));
  for (const auto& folder : full)
    findings.push_back({"folder full", folder,
                        word_in(push, "repo") + " takes no more names in it: what is compiled "
                                                "stays here",
                        kMakeRoom});
  for (const Json& folder : list_in(push, "folders")) {
    const auto path = word_in(folder, "path");
    const auto names = number_in(folder, "names");
    if (names < kManyNames || full.contains(path)) continue;
    findings.push_back({"folder", path,
                        fmt::format("has {} of the {} names that {} takes in a folder", names,
                                    kMostNames, word_in(push, "repo")),
                        kMakeRoom});
  }
  return findings;
}

std::vector<Finding> find_source_trouble(const Json& answer) {
  constexpr std::array<std::array<const char*, 3>, 3> kStates = {{
      {"auth", "refuses the mount's token",
       "hf auth login, HF_TOKEN or token_file; then mount anew"},
      {"missing", "is not there, or is private and the token may not read it",
       "check the name, and the rights of the token"},
      {"throttled", "is asked more often than the Hub allows",
       "it goes on by itself; a token raises the limit, a mirror serves many hosts"},
  }};
  std::vector<Finding> findings;
  for (const Json& source : list_in(answer, "sources"))
    for (const auto& [state, what, mend] : kStates)
      if (word_in(source, "state") == state)
        findings.push_back({"source", word_in(source, "repo"), what, mend});
  return findings;
}

std::vector<Finding> find_push_trouble(const Json& answer) {
  const auto push = answer.find("push");
  if (push == answer.end() || !push->is_object()) return {};
  const auto error = word_in(*push, "last_error");
  if (error.empty()) return {};
  return {{"publishing", word_in(*push, "repo"), error,
           "it is tried again by itself; neffs status --json names what waits, in push.modules"}};
}

std::vector<std::pair<std::string, std::string>> finding_rows(const std::vector<Finding>& findings,
                                                              std::size_t most) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Finding& finding : findings) {
    if (rows.size() == most) {
      rows.emplace_back(finding.check, fmt::format("{} more", findings.size() - most));
      break;
    }
    const auto mend = finding.mend.empty() ? "" : fmt::format(" ({})", finding.mend);
    rows.emplace_back(finding.check, fmt::format("{}: {}{}", finding.subject, finding.what, mend));
  }
  return rows;
}

Json finding_json(const Finding& finding) {
  return {{"check", finding.check},
          {"subject", finding.subject},
          {"what", finding.what},
          {"mend", finding.mend}};
}

}  // namespace neffs::mount_helper
