#include "mount-helper/commands/verify.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "fs/verify.h"
#include "mount-helper/answer.h"
#include "mount-helper/cache_directory.h"
#include "mount-helper/command_error.h"
#include "mount-helper/control.h"
#include "mount-helper/output.h"
#include "mount-helper/pace.h"
#include "mount-helper/place.h"
#include "mount-helper/progress.h"
#include "mount-helper/verification_json.h"

namespace neffs::mount_helper {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds kBetweenLooks{50};

class Report {
 public:
  explicit Report(bool is_quiet) : progress_(is_quiet) {}

  void show(std::uint64_t files, std::uint64_t bytes, std::uint64_t all_bytes) {
    progress_.show(fmt::format("{} read: {}", counted(files, "file"),
                               pace_text(0, bytes, all_bytes, Clock::now() - begun_)));
  }
  void end() { progress_.end(); }

 private:
  Progress progress_;
  const Clock::time_point begun_ = Clock::now();
};

// The daemon reads: nobody else knows what changes meanwhile.
Json verify_mounted(const Places& places, bool repairs, Report& report) {
  const auto order = ask_or_throw(places.mount_point, verify_request(places.paths, repairs));
  while (true) {
    auto answer = ask_or_throw(places.mount_point, verified_request());
    if (answer["order"] != order["order"])
      throw CommandError(places.mount_point.string(), "somebody else has begun to verify it");
    if (answer.contains("failed"))
      throw CommandError(places.mount_point.string(), word_in(answer, "failed"));
    if (!answer["busy"].get<bool>()) return answer;
    report.show(answer["files"].get<std::uint64_t>(), answer["bytes"].get<std::uint64_t>(),
                answer["all_bytes"].get<std::uint64_t>());
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

Json verify_directory(const Places& places, bool repairs, Report& report) {
  const auto& path = places.mount_point;
  if (repairs)
    throw CommandError(path.string(), "not mounted, and only a mount can fetch anything again",
                       "mount it first, or leave --repair out");
  fs::UniqueFd directory;
  if (find_index(path, directory).empty())
    throw CommandError(path.string(), "not mounted, and neffs keeps nothing there",
                       "--mountpoint names another directory");
  const CacheDirectory cache(path);
  const auto index = cache.open_index();
  const auto tell = [&](const fs::Verification& found) {
    report.show(found.files, found.bytes, found.all_bytes);
  };
  return verification_json(fs::verify_files(cache.layer(), *index, places.paths, {}, tell, {}));
}

std::string fate_of(const Json& file) {
  if (file["removed"].get<bool>()) return "removed, and fetched again when it is opened";
  const auto stays = word_in(file, "stays");
  return stays.empty() ? "" : "stays: " + stays;
}

void name_damage(const Json& found) {
  for (const auto& file : found["damaged"]) {
    const auto fate = fate_of(file);
    complain(fmt::format("{} is damaged: {}{}", word_in(file, "path"), word_in(file, "why"),
                         fate.empty() ? "" : " (" + fate + ")"));
  }
  for (const auto& path : found["unknown"])
    complain(fmt::format("{}: no copy is there, and nothing whose bytes are known",
                         path.get<std::string>()));
}

std::string summary(const Json& found, bool repairs) {
  const auto damaged = found["damaged"].size();
  auto text = fmt::format("{} read, {}: ", counted(found["files"].get<std::uint64_t>(), "file"),
                          human_size(found["bytes"].get<std::uint64_t>()));
  if (damaged == 0)
    return found["files"] == 0 ? "nothing was read: no copies are there"
                               : text + "all as they were";
  text += counted(damaged, "file") + " damaged";
  return repairs ? text : text + " (neffs verify --repair has copies fetched again)";
}

}  // namespace

int verify_command(const VerifyRequest& request) {
  const auto table = read_mount_table();
  auto places =
      places_of(request.subjects, request.mount_point, table, std::filesystem::current_path());
  if (places.paths.empty()) places.paths.emplace_back();
  Report report(request.is_quiet);
  auto found = is_neffs_mounted_at(table, places.mount_point)
                   ? verify_mounted(places, request.repairs, report)
                   : verify_directory(places, request.repairs, report);
  report.end();
  for (const char* key : {"order", "busy", "all_bytes"}) found.erase(key);
  if (request.is_json)
    fmt::print("{}\n", found.dump(2, ' ', false, Json::error_handler_t::replace));
  else
    fmt::print("{}\n", summary(found, request.repairs));
  name_damage(found);
  return found["damaged"].empty() && found["unknown"].empty() ? kSuccess : kFailure;
}

}  // namespace neffs::mount_helper
