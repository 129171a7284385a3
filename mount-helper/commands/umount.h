// neffs umount: takes a mount away and waits until its daemon has put everything in order.
#pragma once

#include <optional>
#include <string>

#include "mount-helper/mount_point.h"

namespace neffs::mount_helper {

struct UmountRequest {
  std::string mount_point = kDefaultMountPoint;
  bool is_lazy = false;  // detaches also while in use; the daemon ends with the last close
  bool flushes = false;  // first, everything that can be is published
  std::optional<double> flush_s{};  // for so long at most; nullopt: as long as it takes
};

// Throws CommandError, which names the holders if it is in use.
int umount_command(const UmountRequest& request);

}  // namespace neffs::mount_helper
