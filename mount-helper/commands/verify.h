// neffs verify: reads the copies again, and says which are damaged.
#pragma once

#include <string>
#include <vector>

namespace neffs::mount_helper {

struct VerifyRequest {
  std::vector<std::string> subjects;  // paths, or names of modules; none: everything
  std::string mount_point;            // "" for the one that a path is in, or else the default
  bool repairs = false;               // damaged copies go, so that they are fetched again
  bool is_quiet = false;              // no progress
  bool is_json = false;
};

// Waits until everything was read and says what is damaged: kFailure if anything was, or if nothing is
// known of a path that was named. Without a mount it reads by itself, and repairs nothing. Throws
// CommandError.
int verify_command(const VerifyRequest& request);

}  // namespace neffs::mount_helper
