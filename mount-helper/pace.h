// How fast something goes, and how long the rest of it takes, as a text.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace neffs::mount_helper {

// "1.2 GiB of 9.0 GiB, 87 MiB/s, 2 min left"; without a rate while next to nothing is known of it, and
// without a time where nothing moves. `done` counts from the beginning of `time`, `before` does not.
std::string pace_text(std::uint64_t before, std::uint64_t done, std::uint64_t all,
                      std::chrono::duration<double> time);

}  // namespace neffs::mount_helper
