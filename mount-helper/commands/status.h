// neffs status: what a mount does, for people and programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "mount-helper/mount_point.h"

namespace neffs::mount_helper {

struct StatusRequest {
  std::string mount_point = kDefaultMountPoint;
  bool is_json = false;
  bool is_metrics = false;
};

// Throws CommandError if there is a mount that does not answer.
int status_command(const StatusRequest& request);

// A status as text. Every part may be missing: another version's daemon may have sent it.
std::string status_text(const nlohmann::ordered_json& status, bool is_colored);

}  // namespace neffs::mount_helper
