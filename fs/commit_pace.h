// When the next commit may be made: the Hub counts about a hundred an hour on a branch, everyone's.
#pragma once

#include <chrono>
#include <vector>

namespace neffs::fs {

// A plain value of one thread; time is passed in.
class CommitPace {
 public:
  using Time = std::chrono::system_clock::time_point;

  // interval: least time between two of our own commits
  explicit CommitPace(std::chrono::milliseconds interval) : interval_(interval) {}

  void set_interval(std::chrono::milliseconds interval) { interval_ = interval; }
  // One was made from here.
  void committed(Time now);
  // The commits of the last hour on the branch, ours among them, in any order.
  void counted(std::vector<Time> commits);
  // The Hub asks to make none before.
  void throttled(Time until);

  // The earliest time of the next commit.
  //   hurries: the interval is not waited for, once
  Time next(Time now, bool hurries) const;
  // Everyone's in the hour before `now`, as far as they were counted.
  std::size_t in_last_hour(Time now) const;

 private:
  std::chrono::milliseconds interval_;
  Time last_{};             // ours
  Time throttled_{};        // until
  std::vector<Time> past_;  // ascending
};

}  // namespace neffs::fs
