#include "fs/commit_pace.h"

#include <algorithm>

namespace neffs::fs {
namespace {

using std::chrono::hours;

// Half of what the Hub takes is anybody's at any pace; the rest is spread, and a few are left to others.
constexpr std::size_t kFree = 50;
constexpr std::size_t kMost = 90;

}  // namespace

void CommitPace::committed(Time now) {
  last_ = now;
  past_.push_back(now);
  std::sort(past_.begin(), past_.end());
}

void CommitPace::counted(std::vector<Time> commits) {
  past_ = std::move(commits);
  if (last_ != Time{} && (past_.empty() || *std::max_element(past_.begin(), past_.end()) < last_))
    past_.push_back(last_);  // the list is of a moment before
  std::sort(past_.begin(), past_.end());
}

void CommitPace::throttled(Time until) {
  throttled_ = std::max(throttled_, until);
}

std::size_t CommitPace::in_last_hour(Time now) const {
  return static_cast<std::size_t>(
      std::count_if(past_.begin(), past_.end(), [&](Time at) { return at > now - hours(1); }));
}

CommitPace::Time CommitPace::next(Time now, bool hurries) const {
  Time at = std::max(now, throttled_);
  if (!hurries && last_ != Time{}) at = std::max(at, last_ + interval_);
  const auto count = in_last_hour(now);
  if (count < kFree || past_.empty()) return at;
  if (count >= kMost) {  // until so many of them are older than an hour
    const auto leaves = past_[past_.size() - kMost] + hours(1);
    return std::max(at, leaves);
  }
  const auto spacing = hours(1) / static_cast<long>(kMost - count + 1);
  return std::max(at, past_.back() + std::chrono::duration_cast<Time::duration>(spacing));
}

}  // namespace neffs::fs
