// neffs restore: brings back names that were deleted here and that a source still has.
#pragma once

#include <string>
#include <vector>

namespace neffs::mount_helper {

struct RestoreRequest {
  std::vector<std::string> subjects;  // paths; the mount point stands for everything
  std::string mount_point;            // "" for the one that a path is in, or else the default
  bool is_json = false;
};

// Throws CommandError if a path is in no mount, or the mount does not answer. Fails if nothing was
// deleted at one of the paths.
int restore_command(const RestoreRequest& request);

}  // namespace neffs::mount_helper
