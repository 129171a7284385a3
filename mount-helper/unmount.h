// Takes a mount away: root by itself, others through fusermount3.
#pragma once

#include <string>

namespace neffs::mount_helper {

enum class UnmountResult { kDone, kBusy };

// mount_point: as the mount table names it. is_lazy: detaches it also while it is in use. Throws
// CommandError if it cannot be done for another reason than use.
UnmountResult unmount(const std::string& mount_point, bool is_lazy);

}  // namespace neffs::mount_helper
