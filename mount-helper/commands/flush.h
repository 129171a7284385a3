// `neffs flush`: waits until everything that can be published is in the repo.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "mount-helper/mount_point.h"

namespace neffs::mount_helper {

struct FlushRequest {
  std::string mount_point = kDefaultMountPoint;
  std::optional<double> timeout_s{};  // nullopt: as long as it takes
  bool adopts = false;                // first, what is held is released
  bool is_sure = false;               // without a question
};

int flush_command(const FlushRequest& request);

// The same for who goes on whatever comes of it: names what did not make it, and why. True if nothing
// is left. Throws CommandError if the mount does not answer or publishes nothing.
bool flush(const std::string& mount_point, std::optional<double> timeout_s);

}  // namespace neffs::mount_helper
