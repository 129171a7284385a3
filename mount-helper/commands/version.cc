#include "mount-helper/commands/version.h"

#include <fmt/format.h>

#include "mount-helper/command_error.h"
#include "mount-helper/version.h"

namespace neffs::mount_helper {

int version_command() {
  fmt::print("neffs {}\n", kVersion);
  return kSuccess;
}

}  // namespace neffs::mount_helper
