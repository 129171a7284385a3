// Bytes as JSON can carry them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace neffs::hub {

// With padding. The texts of pieces whose lengths are multiples of three make the text of the whole.
std::string base64(std::string_view bytes);

// The length of the text of so many bytes.
std::size_t base64_size(std::size_t bytes);

}  // namespace neffs::hub
