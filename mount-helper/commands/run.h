// `neffs run`: a program with its cache mounted, published and unmounted around it.
#pragma once

#include <string>
#include <vector>

#include "mount-helper/commands/mount.h"

namespace neffs::mount_helper {

inline constexpr double kDefaultFlushTimeout = 300;

struct RunRequest {
  MountRequest mount;                             // never in the foreground
  bool has_options = false;                       // -o was given
  double flush_timeout_s = kDefaultFlushTimeout;  // for so long at most
  std::vector<std::string> command;               // not empty
  std::string model;                              // whose modules are noted; "" for none
  bool is_quiet = false;                          // no progress
};

// The status of the command as a shell gives it, whatever comes of publishing and unmounting, which is
// said on stderr. Throws what mounting throws; then the command has not been run.
int run_command(const RunRequest& request);

}  // namespace neffs::mount_helper
