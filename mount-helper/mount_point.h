// The directory that is mounted over: what it has to be, and what is mended on the way.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "fs/unique_fd.h"
#include "mount-helper/command_error.h"

namespace neffs::mount_helper {

inline constexpr const char* kDefaultMountPoint = "/var/tmp/neuron-compile-cache";

struct MountPoint {
  std::filesystem::path path;  // absolute, without symlinks
  fs::UniqueFd directory;      // what is there now, below the mount that is to come
  bool was_created = false;
  std::vector<std::string> warnings;  // one line each
};

// By a neffs that answers.
class MountedAlready : public CommandError {
 public:
  MountedAlready(const std::string& path, const std::string& source)
      : CommandError(path, "mounted already: " + source, "neffs umount unmounts it") {}
};

// Gets `typed` ready: the default one is made (mode 0777) if it is missing, a dead neffs mount is
// detached. Throws MountedAlready, and CommandError if it is missing, no directory, or a neffs mount
// that is silent. Processes that work in it already are named in a warning: they will not see the mount.
MountPoint prepare_mount_point(const std::filesystem::path& typed);

}  // namespace neffs::mount_helper
