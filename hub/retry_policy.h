// When a failed request is worth another try, and after how long: a pure table.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "hub/hub_error.h"

namespace neffs::hub {

// What a request failed with, as far as retrying is concerned.
struct Failure {
  HubErrorKind kind = HubErrorKind::kUnavailable;
  int http_status = 0;  // 0: the network failed before there was an answer
  std::optional<std::chrono::seconds> retry_after;
};

Failure failure_of(const HubError& error);

// How many times a request is repeated after its first try.
inline constexpr int kMaxRetries = 5;

// attempt: how many tries have failed before this one (0 at first). seed: any random number, spreads
// clients that failed together. Returns the delay before the next try, nullopt to give up.
// Time-outs, network errors, 408, 409, 429 and 5xx are retried after 0.5, 1, 2, 4, 8 s (each shortened by
// up to a half); a 429 not before the Hub's own term.
std::optional<std::chrono::milliseconds> retry_delay(const Failure& failure, int attempt,
                                                     std::uint64_t seed);

}  // namespace neffs::hub
