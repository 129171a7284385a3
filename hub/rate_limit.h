// The Hub's rate limits: what it reports with every answer, and how long to wait before it bites.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>

#include "hub/http_client.h"

namespace neffs::hub {

// The Hub counts requests per user in fixed windows of five minutes, separately for paths below
// /api/, for those with /resolve/ in them, and for all others.
enum class Bucket { kApi, kResolvers, kPages };

// `RateLimit: "resolvers";r=2998;t=172` and `RateLimit-Policy: "fixed window";"resolvers";q=3000;w=300`
struct RateReport {
  std::uint64_t remaining = 0;
  std::chrono::seconds reset{0};       // until the window ends
  std::optional<std::uint64_t> quota;  // requests a window
};

// nullopt where the headers are missing or unreadable.
std::optional<RateReport> parse_rate_report(const Headers& headers);

// How long a 429 asks to wait; nullopt: not said, so back off as usual. A 429 with requests
// remaining comes from another limit (commits, queue), whose window is not the reported one: with no
// other word it is waited out for a minute.
std::optional<std::chrono::seconds> throttle_wait(const Headers& headers);

// What is known of one bucket. A plain value for the pure rules below.
struct BucketState {
  bool known = false;
  std::uint64_t remaining = 0;
  std::uint64_t quota = 0;                             // 0: not reported
  std::chrono::steady_clock::time_point window_end{};  // of the reported window
  std::chrono::steady_clock::time_point next_free{};   // when the next request may leave
};

// Takes a report in. Answers overtake each other, so within one window only the lowest count holds.
BucketState with_report(BucketState state, const RateReport& report,
                        std::chrono::steady_clock::time_point now);

// Takes one request off. Plenty left: no wait; below a tenth: the rest is spread evenly over the
// window; none left: the next window. `next_free` of the result says when this request may leave.
BucketState with_request(BucketState state, std::chrono::steady_clock::time_point now);

// The state of the buckets, for all users of one endpoint and token. Any thread; never blocks.
class RateLedger {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // How long a request must wait before it leaves. It is counted, unless that is longer than
  // `patience`: then its place is free for others.
  std::chrono::milliseconds wait_before(Bucket bucket, TimePoint now,
                                        std::chrono::milliseconds patience);
  // Call with the headers of every answer.
  void heard(Bucket bucket, const Headers& headers, TimePoint now);
  // A 429 that asked for this wait: nothing leaves before.
  void throttled(Bucket bucket, std::chrono::seconds wait, TimePoint now);
  // The state as last heard; nullopt if nothing was, or its window is over.
  std::optional<BucketState> state(Bucket bucket, TimePoint now) const;

 private:
  mutable std::mutex mutex_;
  std::array<BucketState, 3> states_;  // protected by mutex_
};

}  // namespace neffs::hub
