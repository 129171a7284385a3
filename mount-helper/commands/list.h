// `neffs list`: what is in a cache repo, by compiler.
#pragma once

#include <string>

namespace neffs::mount_helper {

struct ListRequest {
  std::string repo;       // "namespace/name[@revision]"; "" for the first default
  std::string model;      // its id; "" for all
  std::string version;    // how the compiler's version begins; "" for all
  bool is_quiet = false;  // no progress
  bool is_json = false;
};

// Lists every compiler folder that is asked for, and remembers it for the next time: one request for a
// thousand names where it has changed. Throws CommandError, HubError.
int list_command(const ListRequest& request);

}  // namespace neffs::mount_helper
