// How long a push waits for the Hub.
#pragma once

#include <chrono>
#include <stop_token>

#include "hub/push_repo.h"

namespace neffs::fs {

inline constexpr std::chrono::seconds kToAsk{60};

inline hub::CallLimits within(std::chrono::steady_clock::duration time,
                              const std::stop_token& stop) {
  return {std::chrono::steady_clock::now() + time, stop};
}

}  // namespace neffs::fs
