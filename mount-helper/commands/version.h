// neffs version
#pragma once

namespace neffs::mount_helper {

int version_command();

}  // namespace neffs::mount_helper
