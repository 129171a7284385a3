// Taking modules out of a repo: what it has of them, and the one commit that removes it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "hub/push_repo.h"
#include "hub/remote_repo.h"

namespace neffs::mount_helper {

struct RetractedModule {
  std::string path;                // "neuronxcc-…/MODULE_…"
  std::vector<std::string> files;  // from the root of the repo
  std::uint64_t bytes = 0;
};

// What the commit has of the modules, whatever their state; each name is a module's path, or its bare
// name, which is looked for in every compiler folder. Throws CommandError for a name that is no module's
// or that is not there, HubError.
std::vector<RetractedModule> find_modules(hub::RemoteRepo& repo, const std::string& commit,
                                          const std::vector<std::string>& names,
                                          std::chrono::steady_clock::time_point deadline);

// Removes everything that the head of the branch has of those modules, in one commit, and returns the
// head without them; reader and writer are of the same branch. Where the head moves meanwhile, or the
// answer is lost, the head is looked at anew. Throws HubError.
std::string remove_modules(hub::RemoteRepo& reader, hub::PushRepo& writer,
                           const std::vector<std::string>& paths, const hub::CallLimits& limits);

}  // namespace neffs::mount_helper
