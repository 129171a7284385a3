#include "hub/retry_policy.h"

#include <algorithm>

namespace neffs::hub {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstDelay{500};
constexpr milliseconds kLongestDelay{8'000};

bool is_transient(const Failure& failure) {
  if (failure.kind == HubErrorKind::kThrottled || failure.kind == HubErrorKind::kBusy) return true;
  // 501 is a refusal that no waiting changes.
  return failure.kind == HubErrorKind::kUnavailable && failure.http_status != 501;
}

milliseconds backoff(int attempt, std::uint64_t seed) {
  const milliseconds full = std::min(kLongestDelay, kFirstDelay * (1 << std::min(attempt, 10)));
  const auto half = static_cast<std::uint64_t>(full.count()) / 2;
  return full - milliseconds(seed % (half + 1));
}

}  // namespace

Failure failure_of(const HubError& error) {
  return {error.kind, error.http_status, error.retry_after};
}

std::optional<milliseconds> retry_delay(const Failure& failure, int attempt, std::uint64_t seed) {
  if (attempt < 0 || attempt >= kMaxRetries || !is_transient(failure)) return std::nullopt;
  const milliseconds delay = backoff(attempt, seed);
  if (!failure.retry_after) return delay;
  // The jitter comes on top, or all clients of one window would come back in the same moment.
  return std::max(delay, milliseconds(*failure.retry_after) + milliseconds(seed % 1'000));
}

}  // namespace neffs::hub
