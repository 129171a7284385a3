// Threads for work that waits for the Hub or the disk, so that no thread that answers the kernel does.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace neffs::fs {

// What someone is waiting for goes before what might be wanted soon.
enum class Urgency { kDemand, kAhead };

// A bounded set of threads, started as they are needed. Safe for any thread.
class WorkerPool {
 public:
  // A few threads are kept for what is waited for, however much is wanted soon.
  // name: shown by ps and debuggers, at most 15 bytes
  WorkerPool(std::string name, std::size_t max_threads);
  // Ends the pool: jobs that have not started are dropped, running ones are waited for.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // The job must not throw. Returns false, and drops it, once stop() was called.
  bool submit(Urgency urgency, std::function<void()> job);
  // No further job starts. The owner of what running jobs wait for must end those waits.
  void stop();
  // Moves nothing, waits until no job is queued or running, or the pool was stopped.
  void drain();

 private:
  void run();
  bool has_work_locked() const;

  const std::string name_;
  const std::size_t max_threads_;
  std::mutex mutex_;  // a leaf; protects everything below
  std::condition_variable wake_;
  std::condition_variable drained_;
  std::deque<std::function<void()>> demand_;
  std::deque<std::function<void()>> ahead_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  std::size_t running_ = 0;
  std::size_t running_ahead_ = 0;
  bool stopped_ = false;
};

}  // namespace neffs::fs
