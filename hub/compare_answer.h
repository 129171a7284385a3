// What the Hub answers to the question which files differ between two commits.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "hub/remote_repo.h"

namespace neffs::hub {

// One line a file: "T 2305<TAB>:100644 100644 <blob>... <blob>... M<TAB>path"; renames and copies have two
// paths. nullopt if a line is not of this form, or writes its path in quotes: then nothing of it is used.
std::optional<std::vector<ChangedPath>> parse_compare(std::string_view text);

}  // namespace neffs::hub
