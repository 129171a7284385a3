// Which paths the Hub lets into a repo.
#pragma once

#include <string>
#include <string_view>

namespace neffs::test {

// "" if a client may write at `path`; else what is wrong with it.
std::string fault_of_path(std::string_view path);

}  // namespace neffs::test
