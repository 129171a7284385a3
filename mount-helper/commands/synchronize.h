// `neffs synchronize`: publishes a plain cache directory.
#pragma once

#include <string>

#include "mount-helper/mount_point.h"

namespace neffs::mount_helper {

struct SynchronizeRequest {
  std::string repo;  // "namespace/name[@branch]"; "" for the first default
  std::string directory = kDefaultMountPoint;
  double settle_s = 5;    // as of a mount
  bool is_quiet = false;  // no progress
  bool is_json = false;
};

// By the rules of a mount that publishes, with what a mount remembers in the directory, so that what one
// has begun the other goes on with. Throws CommandError, HubError, IndexError, std::system_error.
int synchronize_command(const SynchronizeRequest& request);

}  // namespace neffs::mount_helper
