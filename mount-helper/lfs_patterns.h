// What a cache repo's .gitattributes has to say, so that the Hub need not add a line for every NEFF.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace neffs::mount_helper {

// The text with a line for each pattern of large files that it lacks; nullopt if it lacks none.
std::optional<std::string> with_lfs_patterns(std::string_view gitattributes);

}  // namespace neffs::mount_helper
