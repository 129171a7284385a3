#include "mount-helper/commands/flush.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "mount-helper/adoption.h"
#include "mount-helper/answer.h"
#include "mount-helper/command_error.h"
#include "mount-helper/control.h"
#include "mount-helper/mount_table.h"
#include "mount-helper/output.h"
#include "mount-helper/place.h"
#include "mount-helper/progress.h"

namespace neffs::mount_helper {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds kBetweenLooks{50};
constexpr std::size_t kMostNames = 20;

std::uint64_t number(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<std::uint64_t>() : 0;
}

std::uint64_t still_to_go(const Json& push) {
  return number(push, "waiting") + number(push, "queued") + number(push, "uploading");
}

bool is_counting(const Json& push) {
  return push.value("counting", false);
}

// What no waiting mends: somebody has to do something first.
bool is_refused(const Json& push) {
  const auto state = word_in(push, "state");
  return state == "unauthorized" || state == "forbidden" || state == "repo-not-found" ||
         state == "revision-not-found" || state == "gated" || state == "disabled";
}

std::uint64_t bytes_to_go(const Json& push) {
  std::uint64_t bytes = 0;
  for (const auto& module : list_in(push, "modules")) {
    const auto state = word_in(module, "state");
    if (state == "waiting" || state == "queued" || state == "uploading")
      bytes += number(module, "bytes");
  }
  return bytes;
}

std::string progress_text(const Json& push) {
  std::string text = fmt::format("{}: {} ({}) to go, {} pushed", word_in(push, "repo"),
                                 counted(still_to_go(push), "module"),
                                 human_size(bytes_to_go(push)), number(push, "pushed"));
  if (number(push, "uploading") > 0) return text + ", uploading";
  const auto next = push.find("next_commit_in_s");
  if (next != push.end() && next->is_number() && next->get<double>() >= 1)
    text +=
        ", next commit in " + human_duration(std::chrono::duration<double>(next->get<double>()));
  return text;
}

Json push_status(const std::string& mount_point) {
  const auto status = ask_or_throw(mount_point, status_request());
  return status.contains("push") ? status.at("push") : Json::object();
}

bool is_left(const Json& module) {
  const auto state = word_in(module, "state");
  return state != "pushed" && state != "superseded" && state != "held";
}

void name_what_is_left(const Json& push) {
  std::size_t named = 0;
  for (const auto& module : list_in(push, "modules")) {
    if (!is_left(module)) continue;
    const auto state = word_in(module, "state");
    if (++named > kMostNames) continue;
    auto why = word_in(module, "error");
    if (why.empty()) why = word_in(module, "why");
    if (why.empty()) why = word_in(push, "last_error");
    complain(
        fmt::format("{} is {}{}", word_in(module, "path"), state, why.empty() ? "" : ": " + why));
  }
  if (named > kMostNames)
    complain(fmt::format("and {} more: neffs status --json names all",
                         counted(named - kMostNames, "module")));
}

void print_json(const Json& push, bool is_flushed) {
  auto left = Json::array();
  for (const auto& module : list_in(push, "modules"))
    if (is_left(module)) left.push_back(module);
  const Json answer = {
      {"repo", word_in(push, "repo")},    {"flushed", is_flushed},
      {"pushed", number(push, "pushed")}, {"superseded", number(push, "superseded")},
      {"failed", number(push, "failed")}, {"left", std::move(left)}};
  fmt::print("{}\n", answer.dump(2, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

void warn_of_unpublished(const std::string& mount_point, std::chrono::milliseconds limit) {
  const ControlAnswer answer = ask(mount_point, status_request(), limit);
  const auto status = Json::parse(answer.text, nullptr, false);
  if (!status.is_object() || !status.contains("push") || !status["push"].is_object()) return;
  const Json& push = status["push"];
  const auto left = still_to_go(push);
  if (word_in(push, "repo").empty() || left == 0) return;
  warn(fmt::format("{} ({}) not in {} yet: the next mount of this directory publishes {}",
                   left == 1 ? "1 module is" : fmt::format("{} modules are", left),
                   human_size(bytes_to_go(push)), word_in(push, "repo"),
                   left == 1 ? "it" : "them"));
}

bool publishes(const std::string& mount_point) {
  return !word_in(push_status(mount_point), "repo").empty();
}

bool flush(const std::string& mount_point, std::optional<double> timeout_s,
           const std::function<bool()>& is_stopped, bool is_quiet) {
  const auto deadline = timeout_s ? Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                                       std::chrono::duration<double>(*timeout_s))
                                  : Clock::time_point::max();
  ask_or_throw(mount_point, flush_request(true));
  Progress progress(is_quiet);
  while (true) {
    const auto push = push_status(mount_point);
    const auto left = still_to_go(push);
    if (left == 0 && !is_counting(push)) {
      if (number(push, "failed") == 0) return true;
      name_what_is_left(push);
      return false;
    }
    if (is_refused(push) || Clock::now() >= deadline || is_stopped()) {
      if (is_refused(push)) complain(word_in(push, "last_error"));
      name_what_is_left(push);
      return false;
    }
    // What was settling when the flush began is queued by now, and is not to wait either.
    if (number(push, "queued") > 0) ask_or_throw(mount_point, flush_request(false));
    progress.show(progress_text(push));
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

int flush_command(const FlushRequest& request) {
  const auto table = read_mount_table();
  const auto path = mount_path(request.mount_point, table);
  if (!is_neffs_mounted_at(table, path))
    throw CommandError(path.string(), "not mounted", "what is queued is pushed by the next mount");
  if (request.adopts && !release_held(path.string(), request.is_sure)) return kFailure;
  const auto before = number(push_status(path), "pushed");
  const bool is_flushed = flush(
      path, request.timeout_s, [] { return false; }, request.is_quiet);
  const auto push = push_status(path);
  if (request.is_json) print_json(push, is_flushed);
  if (!is_flushed) return kFailure;
  if (request.is_json) return kSuccess;
  const auto pushed = number(push, "pushed") - std::min(before, number(push, "pushed"));
  fmt::print("everything is in {}: {}\n", word_in(push, "repo"),
             pushed == 0 ? "there was nothing new" : counted(pushed, "module") + " pushed now");
  return kSuccess;
}

}  // namespace neffs::mount_helper
