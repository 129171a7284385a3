// neffs status: what a mount does, for people and programs.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "mount-helper/mount_point.h"

namespace neffs::mount_helper {

struct StatusRequest {
  std::string mount_point = kDefaultMountPoint;
  bool is_json = false;
  bool is_metrics = false;
  std::optional<double> watch_s{};  // again and again, so many seconds apart
};

// A watch ends well with SIGINT, SIGTERM and SIGHUP: on a terminal it is drawn over, elsewhere each status
// follows the one before, as JSON a line each. Throws CommandError if there is a mount that does not answer.
int status_command(const StatusRequest& request);

// What has changed between two statuses that are so many seconds apart, in a line; "" if nothing.
std::string change_text(const nlohmann::ordered_json& before, const nlohmann::ordered_json& now,
                        double seconds);

// A status as text. Every part may be missing: another version's daemon may have sent it.
std::string status_text(const nlohmann::ordered_json& status, bool is_colored);

}  // namespace neffs::mount_helper
