// Requests that wait for the Hub: each is answered once, by what it waits for, by its deadline, or
// because its caller is dying.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include <sys/types.h>

namespace neffs::fs {

using WaitId = std::uint64_t;

enum class GiveUp { kDeadline, kCallerDying, kShutdown };

// One thread watches deadlines and callers. All calls are safe for any thread.
class WaitList {
 public:
  using Clock = std::chrono::steady_clock;

  WaitList();
  // Gives up everything that is still parked, with kShutdown.
  ~WaitList();
  WaitList(const WaitList&) = delete;
  WaitList& operator=(const WaitList&) = delete;

  // A number for a wait that is about to begin; interrupted() may name it before park() does.
  WaitId next_id();
  // Begins the wait. `give_up` is called at most once, by the watching thread, and only if nobody
  // settled the wait before.
  //   deadline: nullopt waits for ever
  //   caller: thread id of the waiting process as the kernel reports it; 0 cannot be judged
  void park(WaitId id, std::optional<Clock::time_point> deadline, pid_t caller,
            std::function<void(GiveUp)> give_up);
  // True for exactly one of all who try, give_up included: that one answers the request.
  bool settle(WaitId id);
  // A signal reached the caller. The wait is cut short only if the caller is dying of it: a handled
  // signal (SIGCHLD, SIGPROF) must not break a call that a plain file would not break.
  void interrupted(WaitId id);
  // Gives up everything parked now.
  void give_up_all();

 private:
  struct Wait {
    std::optional<Clock::time_point> deadline;
    pid_t caller = 0;
    bool interrupted = false;
    std::function<void(GiveUp)> give_up;
  };

  void watch();
  std::optional<Clock::time_point> next_look(Clock::time_point now) const;

  std::mutex mutex_;  // a leaf; protects everything below
  std::condition_variable wake_;
  std::map<WaitId, Wait> waits_;
  WaitId last_id_ = 0;
  bool stopped_ = false;
  std::thread watcher_;
};

// True if the thread is gone, or has a signal pending that ends it and that it neither catches nor
// ignores. Reads /proc; false where that cannot be told.
bool is_dying(pid_t thread);

}  // namespace neffs::fs
