// neffs mount: builds the filesystem and serves it.
#pragma once

#include <string>
#include <vector>

#include "mount-helper/mount_point.h"
#include "mount-helper/options.h"

namespace neffs::mount_helper {

struct MountRequest {
  std::string sources;  // as typed; "" for the default ones
  std::string mount_point = kDefaultMountPoint;
  MountOptions options;                   // what was typed, alone
  std::vector<std::string> option_lists;  // as typed: neffs.conf goes below them
  bool is_foreground = false;
  bool is_of_run = false;  // the last `neffs run` that uses it unmounts it
};

struct MountedNow {
  std::string mount_point;  // as the mount table names it
  std::string summary;      // what was resolved, in lines
};

// Returns when the mount answers; a process of its own serves it. Call it before the first thread.
// Throws as mount_command.
MountedNow mount_in_background(const MountRequest& request);

// Returns the exit code when the mount answers, or, in the foreground, when it has ended. Throws
// CommandError and whatever the Hub, the index and the system throw.
int mount_command(const MountRequest& request);

}  // namespace neffs::mount_helper
