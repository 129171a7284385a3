// SQL on uploads, shared by the files that change them.
#pragma once

#include <string_view>

namespace neffs::index {

// The place of an upload that ends now, behind all that have ended.
inline constexpr std::string_view kNextEnd =
    "(SELECT ifnull(max(ended), 0) + 1 FROM uploads WHERE ended > 0)";

}  // namespace neffs::index
