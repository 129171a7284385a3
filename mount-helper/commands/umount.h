// neffs umount: takes a mount away and waits until its daemon has put everything in order.
#pragma once

#include <string>

#include "mount-helper/mount_point.h"

namespace neffs::mount_helper {

struct UmountRequest {
  std::string mount_point = kDefaultMountPoint;
  bool is_lazy = false;  // detaches also while in use; the daemon ends with the last close
};

// Throws CommandError, which names the holders if it is in use.
int umount_command(const UmountRequest& request);

}  // namespace neffs::mount_helper
