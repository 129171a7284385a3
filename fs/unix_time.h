// Times as the index keeps them.
#pragma once

#include <chrono>
#include <cstdint>

namespace neffs::fs {

inline std::int64_t unix_s(std::chrono::system_clock::time_point time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}
inline std::int64_t now_s() {
  return unix_s(std::chrono::system_clock::now());
}

}  // namespace neffs::fs
