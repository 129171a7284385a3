// What is mounted where, as the kernel tells this process (/proc/self/mountinfo).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace neffs::mount_helper {

inline constexpr std::string_view kFilesystemType = "fuse.neffs";

// One line of it, see proc_pid_mountinfo(5).
struct MountEntry {
  std::uint64_t id = 0;
  dev_t device = 0;
  std::string mount_point;
  std::string type;    // "ext4", "fuse.neffs"
  std::string source;  // the device: for neffs its SOURCE

  friend bool operator==(const MountEntry&, const MountEntry&) = default;
};

// In the order in which they were mounted. Lines that cannot be understood are left out.
std::vector<MountEntry> parse_mount_table(std::string_view text);

// Throws CommandError if /proc cannot be read.
std::vector<MountEntry> read_mount_table();

// The topmost mount that has exactly this path as its root; the path is absolute and plain.
std::optional<MountEntry> mount_at(const std::vector<MountEntry>& table,
                                   const std::filesystem::path& path);
// The mount that `path` is in, by names alone.
std::optional<MountEntry> mount_containing(const std::vector<MountEntry>& table,
                                           const std::filesystem::path& path);

// The id of the mount that `path` leads to (a symlink at its end is followed, which for the links of
// /proc/PID is the point). Asks the kernel alone, never the daemon of a FUSE mount. nullopt where it
// cannot be told.
std::optional<std::uint64_t> mount_id_of(const std::filesystem::path& path);
std::optional<std::uint64_t> mount_id_of(int fd);

// `typed` as the mount table would name it: absolute, without symlinks, "." and "..". Nothing is
// asked of a filesystem that is mounted there, which may be dead or silent.
std::filesystem::path mount_path(const std::filesystem::path& typed,
                                 const std::vector<MountEntry>& table);

}  // namespace neffs::mount_helper
