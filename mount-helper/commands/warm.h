// neffs warm: fetches modules ahead of time.
#pragma once

#include <string>
#include <vector>

namespace neffs::mount_helper {

struct WarmRequest {
  std::vector<std::string> modules;   // paths, or names of modules
  std::vector<std::string> versions;  // how compilers' versions begin
  std::string model;                  // "" for none
  bool is_all = false;
  std::string mount_point;  // "" for the one that a path is in, or else the default
  bool is_sure = false;     // no question, however much it is
  bool is_quiet = false;    // no progress
  bool is_json = false;
};

// Fetches what is not here yet through the mount, as if somebody opened it; says how far it is, and asks
// before much is fetched. What is here stays if it is ended, and is not fetched again. kFailure if not all
// of it could be fetched, or if there was no room. Throws CommandError.
int warm_command(const WarmRequest& request);

}  // namespace neffs::mount_helper
