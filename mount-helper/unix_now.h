#pragma once

#include <chrono>
#include <cstdint>

namespace neffs::mount_helper {

inline std::int64_t unix_now_s() {
  return std::chrono::floor<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace neffs::mount_helper
