// Releasing what was found in the cache directory, so that it is published.
#pragma once

#include <string>

namespace neffs::mount_helper {

// Names the modules that are held at a mount, and those of compilers without a completion mark; asks,
// unless `is_sure`; and releases them with the files of their registries. Returns when all of them wait
// to be published, false if the answer is no. Throws CommandError, as ask_or_throw() and
// is_confirmed() do.
bool release_held(const std::string& mount_point, bool is_sure);

}  // namespace neffs::mount_helper
