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
  // ask: does not block, and may be called until stop() has returned
  HeadPoller(std::function<void()> ask, std::chrono::milliseconds every);
  ~HeadPoller() { stop(); }
  HeadPoller(const HeadPoller&) = delete;
  HeadPoller& operator=(const HeadPoller&) = delete;

  void stop();

 private:
  void run();

  const std::function<void()> ask_;
  const std::chrono::milliseconds every_;
  std::mutex mutex_;  // a leaf; protects is_stopped_
  std::condition_variable wake_;
  bool is_stopped_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace neffs::fs
