// How long a push waits for the Hub, and what time it is.
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>

#include "hub/push_repo.h"

namespace neffs::fs {

inline constexpr std::chrono::seconds kToAsk{60};

inline hub::CallLimits within(std::chrono::steady_clock::duration time,
                              const std::stop_token& stop) {
  return {std::chrono::steady_clock::now() + time, stop};
}

// Unix time.
inline std::int64_t unix_s(std::chrono::system_clock::time_point time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}
inline std::int64_t now_s() {
  return unix_s(std::chrono::system_clock::now());
}

}  // namespace neffs::fs
