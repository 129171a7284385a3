// Asks for the head of a source, every now and then.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace neffs::fs {

// One thread, "neffs-poll". Many hosts that were started at once do not ask at once: the time between
// two questions is within a fifth of what was asked for.
class HeadPoller {
 public:
  using Ask = std::function<void(std::chrono::milliseconds every)>;

  // ask: is told the time between two questions; does not block, and may be called until stop() has
  //   returned
  // every: 0 is never
  HeadPoller(Ask ask, std::chrono::milliseconds every);
  ~HeadPoller() { stop(); }
  HeadPoller(const HeadPoller&) = delete;
  HeadPoller& operator=(const HeadPoller&) = delete;

  // From now on.
  void set_interval(std::chrono::milliseconds every);
  void stop();

 private:
  void run();

  const Ask ask_;
  std::mutex mutex_;  // a leaf; protects what follows
  std::condition_variable wake_;
  std::chrono::milliseconds every_;
  bool is_changed_ = false;  // every_, while the thread waited
  bool is_stopped_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace neffs::fs
