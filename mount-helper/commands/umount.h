// neffs umount: takes a mount away and waits until its daemon has put everything in order.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "mount-helper/mount_point.h"

namespace neffs::mount_helper {

struct UmountRequest {
  std::string mount_point = kDefaultMountPoint;
  bool is_lazy = false;  // detaches also while in use; the daemon ends with the last close
  bool flushes = false;  // first, everything that can be is published
  std::optional<double> flush_s{};  // for so long at most; nullopt: as long as it takes
  bool is_quiet = false;            // no progress
};

// Throws CommandError, which names the holders if it is in use.
int umount_command(const UmountRequest& request);

// Unmounts, waits for the daemon's end, and does not ask what is queued. One that is in use is tried
// again for as long as `patience`; then it stays, and a CommandError names the holders.
void unmount_when_free(const std::string& mount_point, std::chrono::milliseconds patience);

}  // namespace neffs::mount_helper
