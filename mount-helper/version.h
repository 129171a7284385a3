#pragma once

namespace neffs::mount_helper {

// The version of this build, as CMake knows it.
#ifdef NEFFS_VERSION
inline constexpr const char* kVersion = NEFFS_VERSION;
#else
inline constexpr const char* kVersion = "0.0.0";
#endif

}  // namespace neffs::mount_helper
