// Look-ups where there are many sources and the heads move, against a mount of one that stays.
#pragma once

#include <filesystem>
#include <string>

#include "tests/hub/test_hub.h"

namespace neffs::test {

// Makes the repos it needs and prints one table. HF_ENDPOINT is the hub's.
void print_many_sources(TestHub& hub, const std::filesystem::path& root, const std::string& version,
                        bool quick);

}  // namespace neffs::test
