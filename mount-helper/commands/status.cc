#include "mount-helper/commands/status.h"

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>

#include <utility>
#include <vector>

#include "index/index.h"
#include "mount-helper/answer.h"
#include "mount-helper/command_error.h"
#include "mount-helper/control.h"
#include "mount-helper/findings.h"
#include "mount-helper/mount_table.h"
#include "mount-helper/output.h"
#include "mount-helper/state_directory.h"
#include "mount-helper/version.h"

namespace neffs::mount_helper {
namespace {

using Json = nlohmann::ordered_json;
using Rows = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t kMostFindings = 5;  // of a kind; --json and doctor name them all

// What is known of a directory that nothing is mounted on.
Json unmounted_status(const std::filesystem::path& path) {
  Json status = {{"version", kVersion},    {"mounted", false},       {"mountpoint", path.string()},
                 {"layer", path.string()}, {"layer_bytes", nullptr}, {"layer_files", nullptr}};
  fs::UniqueFd directory;
  const auto index_file = find_index(path, directory);
  const auto glance = index_file.empty() ? std::nullopt : index::glance_at(index_file);
  if (glance) {
    const auto& uploads = glance->uploads;
    status["layer_bytes"] = glance->copies.bytes;
    status["layer_files"] = glance->copies.files;
    status["push"] = {{"queued", uploads.queued.uploads + uploads.uploading.uploads},
                      {"failed", uploads.failed.uploads}};
  }
  return status;
}

Json find_status(const std::string& typed) {
  const auto table = read_mount_table();
  const auto path = mount_path(typed, table);
  const auto mounted = mount_at(table, path);
  const bool is_ours = mounted && mounted->type == kFilesystemType;
  if (is_ours) return ask_or_throw(path, status_request());
  auto status = unmounted_status(path);
  for (const auto& entry : table)
    if (entry.type == kFilesystemType) status["elsewhere"].push_back(entry.mount_point);
  return status;
}

std::uint64_t number(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<std::uint64_t>() : 0;
}

double seconds(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : 0;
}

bool is_set(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

std::string duration(double time) {
  return human_duration(std::chrono::duration<double>(time));
}

std::string headline(const Json& status, bool is_colored) {
  std::string line = bold(word_in(status, "mountpoint"), is_colored);
  if (!is_set(status, "mounted")) return line + ": not mounted\n";
  line += fmt::format(": mounted for {}, pid {}", duration(seconds(status, "uptime_s")),
                      number(status, "pid"));
  if (is_set(status, "passthrough")) line += ", passthrough";
  if (is_set(status, "offline")) line += ", offline";
  return line + '\n';
}

std::string source_text(const Json& source) {
  std::string text = word_in(source, "repo");
  const std::string revision = word_in(source, "revision");
  if (!revision.empty() && revision != "main") text += '@' + revision;
  const std::string commit = word_in(source, "commit").substr(0, 7);
  if (!commit.empty()) text += " at " + commit;
  text += ": " + word_in(source, "state");
  if (source.contains("checked_s_ago") && source["checked_s_ago"].is_number()) {
    text += fmt::format(", checked {} ago", duration(seconds(source, "checked_s_ago")));
  }
  if (number(source, "skipped_names") > 0) {
    text += fmt::format(", {} skipped", counted(number(source, "skipped_names"), "name"));
  }
  return text;
}

std::string_view one_of(std::string_view key) {
  if (key == "misses") return "miss";
  return key == "errors" ? "error" : key;
}

// "2 queued, 7 pushed": what is not nothing.
std::string counts_text(const Json& object, std::initializer_list<const char*> keys) {
  std::string text;
  for (const char* key : keys) {
    if (number(object, key) == 0) continue;
    const auto count = number(object, key);
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, count == 1 ? one_of(key) : key);
  }
  return text.empty() ? "nothing yet" : text;
}

// Modules that were in the layer before the mount: told also where nothing is pushed.
std::string held_text(const Json& push) {
  std::string text = counted(number(push, "held"), "module") + " held";
  return is_set(push, "counting") ? text + ", still counting" : text;
}

// Of a directory that is not mounted.
std::string unpublished_text(const Json& push) {
  return counts_text(push, {"queued", "failed"}) + ": the next mount of this directory goes on";
}

std::string push_text(const Json& push) {
  if (word_in(push, "repo").empty())
    return number(push, "held") == 0 ? "no repo" : "no repo, " + held_text(push);
  std::string text = word_in(push, "repo") + ": ";
  text += counts_text(push,
                      {"waiting", "queued", "uploading", "pushed", "superseded", "held", "failed"});
  const std::string error = word_in(push, "last_error");
  return error.empty() ? text : text + ", last error: " + error;
}

std::string layer_text(const Json& status) {
  std::string text = word_in(status, "layer");
  if (!status.contains("layer_bytes") || !status["layer_bytes"].is_number()) return text;
  return text + fmt::format(": copies of {} in {}", human_size(number(status, "layer_bytes")),
                            counted(number(status, "layer_files"), "file"));
}

std::string reads_text(const Json& reads) {
  std::string text = counts_text(reads, {"local", "fetched", "misses", "errors"});
  if (number(reads, "bytes_fetched") > 0) {
    text += fmt::format(", {} fetched", human_size(number(reads, "bytes_fetched")));
  }
  if (number(reads, "in_flight") > 0) text += fmt::format(", {} now", number(reads, "in_flight"));
  return text;
}

// What is not mounted does nothing that could be counted.
int print_metrics(const std::string& typed) {
  const auto path = mount_path(typed, read_mount_table());
  fmt::print("{}", ask_or_throw(path, metrics_request()).value("text", ""));
  return kSuccess;
}

}  // namespace

std::string status_text(const Json& status, bool is_colored) {
  Rows rows;
  if (status.contains("sources") && status["sources"].is_array()) {
    for (const Json& source : status["sources"]) rows.emplace_back("source", source_text(source));
  }
  if (status.contains("push") && status["push"].is_object()) {
    const Json& push = status["push"];
    if (is_set(status, "mounted"))
      rows.emplace_back("push", push_text(push));
    else if (number(push, "queued") + number(push, "failed") > 0)
      rows.emplace_back("push", unpublished_text(push));
  }
  rows.emplace_back("layer", layer_text(status));
  for (const Json& mount_point : list_in(status, "elsewhere"))
    rows.emplace_back("mounted", printable(mount_point.get<std::string>()));
  if (status.contains("reads") && status["reads"].is_object()) {
    rows.emplace_back("reads", reads_text(status["reads"]));
  }
  for (const auto& findings :
       {find_stale_locks(status), find_failures(status), find_full_folders(status)}) {
    const Rows shown = finding_rows(findings, kMostFindings);
    rows.insert(rows.end(), shown.begin(), shown.end());
  }
  return headline(status, is_colored) + aligned(rows);
}

std::string change_text(const Json& before, const Json& now, double seconds) {
  const auto grown = [&](const char* part, const char* key) -> std::uint64_t {
    if (!before.contains(part) || !now.contains(part)) return 0;
    const auto then = number(before.at(part), key);
    const auto since = number(now.at(part), key);
    return since > then ? since - then : 0;
  };
  std::string text;
  const auto add = [&text](const std::string& more) { text += (text.empty() ? "" : ", ") + more; };
  if (const auto bytes = grown("reads", "bytes_fetched"); bytes > 0 && seconds > 0)
    add(human_size(static_cast<std::uint64_t>(static_cast<double>(bytes) / seconds)) +
        "/s fetched");
  if (const auto misses = grown("reads", "misses"); misses > 0)
    add(fmt::format("{} {}", misses, misses == 1 ? "miss" : "misses"));
  if (const auto pushed = grown("push", "pushed"); pushed > 0)
    add(counted(pushed, "module") + " pushed");
  return text;
}

namespace {

// Until a signal ends it, or the limit.
class Pause {
 public:
  Pause() {
    ::sigemptyset(&signals_);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&signals_, signal);
    ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }
  // True if it is to end.
  bool wait(double seconds) const {
    timespec limit{};
    limit.tv_sec = static_cast<std::time_t>(seconds);
    limit.tv_nsec =
        static_cast<long>((seconds - static_cast<double>(limit.tv_sec)) * 1e9);  // NOLINT
    int signal = 0;
    do signal = ::sigtimedwait(&signals_, nullptr, &limit);
    while (signal < 0 && errno == EINTR);
    return signal > 0;
  }

 private:
  sigset_t signals_{};
};

// Over what was drawn before, line by line, so that nothing flickers.
std::string drawn_over(const std::string& text) {
  std::string drawn = "\x1b[H";
  for (const char c : text) drawn += c == '\n' ? std::string("\x1b[K\n") : std::string(1, c);
  return drawn + "\x1b[J";
}

int watch(const StatusRequest& request) {
  const Pause pause;
  const bool is_drawn = can_draw_over(STDOUT_FILENO);
  Json before;
  while (true) {
    const Json status = find_status(request.mount_point);
    if (request.is_json) {
      fmt::print("{}\n", status.dump(-1, ' ', false, Json::error_handler_t::replace));
    } else {
      auto text = status_text(status, has_color(STDOUT_FILENO));
      const auto change = change_text(before, status, *request.watch_s);
      if (!change.empty()) text += "  now     " + change + '\n';
      fmt::print("{}", is_drawn ? drawn_over(text) : text + '\n');
    }
    std::fflush(stdout);
    before = status;
    if (pause.wait(*request.watch_s)) return kSuccess;
  }
}

}  // namespace

int status_command(const StatusRequest& request) {
  if (request.is_metrics) return print_metrics(request.mount_point);
  if (request.watch_s) return watch(request);
  const Json status = find_status(request.mount_point);
  if (request.is_json) {
    fmt::print("{}\n", status.dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    fmt::print("{}", status_text(status, has_color(STDOUT_FILENO)));
  }
  return kSuccess;
}

}  // namespace neffs::mount_helper
