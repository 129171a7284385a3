// Where a subject of a command is meant to be: a path of this machine, or one inside the cache.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mount-helper/mount_table.h"

namespace neffs::mount_helper {

// A mount point and a path in it, "" for the mount point itself.
struct Place {
  std::filesystem::path mount_point;
  std::string path;
};

// given: a path, or a name inside the cache. wanted_mount: "" for the one that the path is in, or else
// the default. current: the working directory, which subjects that begin with a dot refer to. Throws
// CommandError for a path that is in no neffs mount, and in no directory that was one.
Place place_of(const std::string& given, const std::string& wanted_mount,
               const std::vector<MountEntry>& table, const std::filesystem::path& current);

// Those of several subjects, all in one mount: one daemon does what is asked for.
struct Places {
  std::filesystem::path mount_point;
  std::vector<std::string> paths;
};
// Throws likewise, and where they are in several mounts. Without a subject: the mount, and no path.
Places places_of(const std::vector<std::string>& given, const std::string& wanted_mount,
                 const std::vector<MountEntry>& table, const std::filesystem::path& current);

bool is_neffs_mounted_at(const std::vector<MountEntry>& table,
                         const std::filesystem::path& mount_point);

}  // namespace neffs::mount_helper
