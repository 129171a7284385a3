// Which processes keep a mount busy, or still see below one.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "mount-helper/mount_table.h"

namespace neffs::mount_helper {

// A process and one of the things it holds.
struct Holder {
  pid_t pid = 0;
  std::string command;
  std::string what;  // "current directory", "open file", "root directory", "program", "mapped file"
};

// Processes that keep `mount` from being unmounted, each once, this one left out. Others' processes
// can be seen by root alone.
std::vector<Holder> holders_of(const MountEntry& mount);

// Processes that work at or below `directory` by a current directory, root or open directory: what
// is mounted over it from now on stays hidden from them.
std::vector<Holder> holders_below(const std::filesystem::path& directory);

// "python3 (pid 12, open file), bash (pid 7, current directory) and 3 more".
std::string holders_text(const std::vector<Holder>& holders);

}  // namespace neffs::mount_helper
