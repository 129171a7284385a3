// neffs retract: removes modules from the repo that is published to, the way to mend a wrong NEFF.
#pragma once

#include <string>
#include <vector>

namespace neffs::mount_helper {

struct RetractRequest {
  std::vector<std::string> subjects;  // modules: paths in a mount or in the cache, or bare names
  std::string repo;         // "ns/name[@branch]"; "" for the one that the mount publishes to
  std::string mount_point;  // "" for the one that a path is in, or else the default
  bool is_sure = false;     // without a question
  bool is_json = false;
};

// Names the modules and asks; removes them from the repo in one commit, and then, where that repo is
// mounted, their copies from the cache. What was compiled here stays, and is named. Throws CommandError,
// HubError; nothing was removed then unless it says so.
int retract_command(const RetractRequest& request);

}  // namespace neffs::mount_helper
