#include "mount-helper/commands/explain.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

#include "mount-helper/answer.h"
#include "mount-helper/command_error.h"
#include "mount-helper/control.h"
#include "mount-helper/findings.h"
#include "mount-helper/output.h"
#include "mount-helper/place.h"

namespace neffs::mount_helper {
namespace {

namespace stdfs = std::filesystem;
using Json = nlohmann::ordered_json;
using Rows = std::vector<std::pair<std::string, std::string>>;

bool is_found(const Json& answer) {
  return answer.contains("found") && (answer["found"] == "local" || answer["found"] == "remote");
}

// Nobody answers who would have to.
bool is_unknown(const Json& answer) {
  return answer.value("found", "") == "unknown";
}

// Names of the directories at the root, which the bare name of a module leaves out.
std::vector<std::string> folders_of(const stdfs::path& mount_point) {
  std::vector<std::string> folders;
  std::error_code error;
  stdfs::directory_iterator entry(mount_point, error);
  for (; !error && entry != stdfs::directory_iterator(); entry.increment(error)) {
    std::error_code unknown;
    if (entry->is_directory(unknown)) folders.push_back(entry->path().filename().string());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

// The daemon never lets an answer wait for the Hub: it asks there, and knows a moment later.
constexpr std::chrono::milliseconds kHubPatience{4'000};
constexpr std::chrono::milliseconds kBetweenLooks{50};

Json explained(const Place& place, const std::string& path) {
  const auto deadline = std::chrono::steady_clock::now() + kHubPatience;
  while (true) {
    Json answer = ask_or_throw(place.mount_point, explain_request(path));
    const bool is_asking = answer.value("asking", false);
    answer.erase("asking");
    if (!is_asking || std::chrono::steady_clock::now() >= deadline) return answer;
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

std::vector<Json> ask_about(const Place& place) {
  Json direct = explained(place, place.path);
  if (is_found(direct) || place.path.find('/') != std::string::npos) return {std::move(direct)};
  std::vector<Json> answers;
  for (const std::string& folder : folders_of(place.mount_point)) {
    Json answer = explained(place, folder + "/" + place.path);
    if (is_found(answer)) {
      answers.push_back(std::move(answer));
    } else if (is_unknown(answer)) {
      direct["found"] = answer["found"];
      direct["why"] = answer["why"];
    }
  }
  if (answers.empty()) answers.push_back(std::move(direct));
  return answers;
}

Json look_without_mount(const Place& place) {
  struct stat found {};
  const bool is_there = ::lstat((place.mount_point / place.path).c_str(), &found) == 0;
  return {{"path", place.path},
          {"mounted", false},
          {"found", is_there ? "local" : "absent"},
          {"why", "nothing is mounted: this is what the directory itself has"}};
}

void append(Rows& rows, const Rows& more) {
  rows.insert(rows.end(), more.begin(), more.end());
}

std::string value_text(const std::string& key, const Json& value) {
  if (key == "size" && value.is_number_unsigned()) return human_size(value.get<std::uint64_t>());
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  return printable(value.is_string() ? value.get<std::string>() : value.dump());
}

}  // namespace

std::string explain_text(const Json& answer, bool is_colored) {
  Rows rows;
  std::string path;
  for (const auto& [key, value] : answer.items()) {
    if (key == "path") {
      path = value_text(key, value);
      continue;
    }
    if (key == "locks" || key == "failures" || key == "mountpoint" || key == "passed_over")
      continue;  // shown below
    std::string label = key;
    std::replace(label.begin(), label.end(), '_', ' ');
    rows.emplace_back(printable(label), value_text(key, value));
  }
  for (const Json& source : list_in(answer, "passed_over"))
    rows.emplace_back("not from", word_in(source, "source") + ": " + word_in(source, "why"));
  append(rows, finding_rows(find_locks(answer)));
  append(rows, finding_rows(find_failures(answer)));
  return bold(path, is_colored) + '\n' + aligned(rows);
}

int explain_command(const ExplainRequest& request) {
  const auto table = read_mount_table();
  const Place place = place_of(request.subject, request.mount_point, table, stdfs::current_path());
  if (place.path.empty())
    throw usage_error(request.subject, "the mount itself", "name a path or a module in it");
  const bool is_mounted = is_neffs_mounted_at(table, place.mount_point);
  const std::vector<Json> answers =
      is_mounted ? ask_about(place) : std::vector<Json>{look_without_mount(place)};
  if (request.is_json) {
    const Json shown = answers.size() == 1 ? answers.front() : Json(answers);
    fmt::print("{}\n", shown.dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    for (const Json& answer : answers)
      fmt::print("{}", explain_text(answer, has_color(STDOUT_FILENO)));
  }
  const bool is_told = std::none_of(answers.begin(), answers.end(), is_unknown);
  return is_told ? kSuccess : kFailure;
}

}  // namespace neffs::mount_helper
