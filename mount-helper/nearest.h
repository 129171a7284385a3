// What the user may have meant.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace neffs::mount_helper {

// The least number of characters to insert, remove or replace to get from one to the other.
std::size_t edit_distance(std::string_view from, std::string_view to);

// The word with the least distance, the first of several; "" if there are none.
std::string_view nearest(std::string_view typed, const std::vector<std::string_view>& words);

// "is WORD meant? ", of a word that begins like what was typed, or is not far from it; "" if none is.
std::string guess(std::string_view typed, const std::vector<std::string_view>& words);

}  // namespace neffs::mount_helper
