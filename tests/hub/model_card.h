// The YAML at the top of README.md, which the Hub reads and refuses if it is broken.
#pragma once

#include <string>
#include <string_view>

namespace neffs::test {

// The text starts with a line "---".
bool has_front_matter(std::string_view readme);

// "" if there is nothing to object to. Knows what a model card holds: keys, values, lists, nested by
// indentation.
std::string fault_of_card(std::string_view readme);

}  // namespace neffs::test
