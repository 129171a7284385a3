#include "hub/rate_limit.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace neffs::hub {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using TimePoint = std::chrono::steady_clock::time_point;

constexpr seconds kOtherLimitWait{60};
constexpr std::uint64_t kLowWithoutQuota = 50;
constexpr seconds kWindowSlack{5};  // the reported times are rounded and travel
constexpr std::uint64_t kLongestWindow = 86'400;

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::optional<std::uint64_t> whole_number(std::string_view digits) {
  std::uint64_t value = 0;
  const auto* const end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, value);
  if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return value;
}

// The value of one-letter `key` in `"name";key=1;other=2`.
std::optional<std::uint64_t> parameter(std::string_view header, char key) {
  for (std::size_t begin = 0; begin <= header.size();) {
    const std::size_t end = std::min(header.find(';', begin), header.size());
    const auto item = trimmed(header.substr(begin, end - begin));
    if (item.size() > 2 && item[0] == key && item[1] == '=') return whole_number(item.substr(2));
    begin = end + 1;
  }
  return std::nullopt;
}

std::optional<seconds> parse_retry_after(const Headers& headers) {
  const auto number = whole_number(trimmed(headers.get("Retry-After").value_or("")));
  if (!number || *number > kLongestWindow) return std::nullopt;
  return seconds(*number);
}

std::size_t slot_of(Bucket bucket) {
  return static_cast<std::size_t>(bucket);
}

}  // namespace

std::optional<RateReport> parse_rate_report(const Headers& headers) {
  const auto limit = headers.get("RateLimit").value_or("");
  const auto remaining = parameter(limit, 'r');
  const auto reset = parameter(limit, 't');
  if (!remaining || !reset || *reset > kLongestWindow) return std::nullopt;
  return RateReport{*remaining, seconds(*reset),
                    parameter(headers.get("RateLimit-Policy").value_or(""), 'q')};
}

std::optional<seconds> throttle_wait(const Headers& headers) {
  const auto report = parse_rate_report(headers);
  if (report && report->remaining == 0) return report->reset + seconds(1);
  if (const auto asked = parse_retry_after(headers)) return asked;
  if (report) return kOtherLimitWait;
  return std::nullopt;
}

BucketState with_report(BucketState state, const RateReport& report, TimePoint now) {
  const TimePoint window_end = now + report.reset;
  const bool same_window = state.known && window_end <= state.window_end + kWindowSlack;
  if (same_window) {
    state.remaining = std::min(state.remaining, report.remaining);
  } else {
    state.remaining = report.remaining;
    state.window_end = window_end;
  }
  state.known = true;
  state.quota = report.quota.value_or(state.quota);
  return state;
}

BucketState with_request(BucketState state, TimePoint now) {
  state.next_free = std::max(state.next_free, now);
  if (!state.known || now >= state.window_end) {
    state.known = false;
    return state;
  }
  const std::uint64_t low = state.quota > 0 ? state.quota / 10 : kLowWithoutQuota;
  if (state.remaining == 0) {
    state.next_free = std::max(state.next_free, state.window_end + seconds(1));
  } else if (state.remaining <= low && state.next_free < state.window_end) {
    const auto rest = state.window_end - state.next_free;
    state.next_free += rest / static_cast<std::int64_t>(state.remaining + 1);
  }
  if (state.remaining > 0) --state.remaining;
  return state;
}

milliseconds RateLedger::wait_before(Bucket bucket, TimePoint now, milliseconds patience) {
  const std::lock_guard lock(mutex_);
  BucketState& state = states_.at(slot_of(bucket));
  const BucketState counted = with_request(state, now);
  const auto wait = std::chrono::ceil<milliseconds>(counted.next_free - now);
  if (wait <= patience) state = counted;
  return wait;
}

void RateLedger::heard(Bucket bucket, const Headers& headers, TimePoint now) {
  const auto report = parse_rate_report(headers);
  if (!report) return;
  const std::lock_guard lock(mutex_);
  BucketState& state = states_.at(slot_of(bucket));
  state = with_report(state, *report, now);
}

void RateLedger::throttled(Bucket bucket, seconds wait, TimePoint now) {
  const std::lock_guard lock(mutex_);
  BucketState& state = states_.at(slot_of(bucket));
  state.next_free = std::max(state.next_free, now + wait);
}

std::optional<BucketState> RateLedger::state(Bucket bucket, TimePoint now) const {
  const std::lock_guard lock(mutex_);
  const BucketState& state = states_.at(slot_of(bucket));
  if (!state.known || now >= state.window_end) return std::nullopt;
  return state;
}

}  // namespace neffs::hub
