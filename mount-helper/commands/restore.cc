#include "mount-helper/commands/restore.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "mount-helper/command_error.h"
#include "mount-helper/control.h"
#include "mount-helper/output.h"
#include "mount-helper/place.h"

namespace neffs::mount_helper {
namespace {

using Json = nlohmann::ordered_json;

Json restore(const RestoreRequest& request, const std::string& subject) {
  const auto table = read_mount_table();
  const Place place =
      place_of(subject, request.mount_point, table, std::filesystem::current_path());
  if (!is_neffs_mounted_at(table, place.mount_point))
    throw CommandError(place.mount_point.string(), "not mounted",
                       "mount it first: its daemon knows what was deleted");
  return ask_or_throw(place.mount_point, restore_request(place.path));
}

}  // namespace

int restore_command(const RestoreRequest& request) {
  int result = kSuccess;
  Json answers = Json::array();
  for (const auto& subject : request.subjects) {
    answers.push_back(restore(request, subject));
    const auto& restored = answers.back()["restored"];
    if (restored.empty()) {
      complain(
          fmt::format("{}: nothing was deleted there (give the path that was deleted, or one "
                      "above or below it)",
                      printable(subject)));
      result = kFailure;
    }
    if (request.is_json) continue;
    for (const auto& path : restored)
      fmt::print("restored {}\n", printable(path.get<std::string>()));
  }
  if (request.is_json) fmt::print("{}\n", answers.dump(2));
  return result;
}

}  // namespace neffs::mount_helper
