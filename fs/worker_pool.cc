#include "fs/worker_pool.h"

#include <pthread.h>

#include <exception>
#include <utility>

#include <spdlog/spdlog.h>

namespace neffs::fs {
namespace {

// No job may throw; one that does so all the same must not end the process, and with it the mount.
void run_guarded(const std::function<void()>& job) {
  try {
    job();
  } catch (const std::exception& error) {
    spdlog::error("a job failed: {}", error.what());
  } catch (...) {
    spdlog::error("a job failed");
  }
}

}  // namespace

WorkerPool::WorkerPool(std::string name, std::size_t max_threads)
    : name_(std::move(name)), max_threads_(max_threads) {}

WorkerPool::~WorkerPool() {
  stop();
  for (auto& thread : threads_) thread.join();
}

bool WorkerPool::submit(Urgency urgency, std::function<void()> job) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return false;
  auto& queue = urgency == Urgency::kDemand ? demand_ : ahead_;
  queue.push_back(std::move(job));
  if (idle_ < demand_.size() + ahead_.size() && threads_.size() < max_threads_)
    threads_.emplace_back([this] { run(); });
  wake_.notify_one();
  return true;
}

void WorkerPool::stop() {
  std::deque<std::function<void()>> dropped_demand;
  std::deque<std::function<void()>> dropped_ahead;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    dropped_demand.swap(demand_);
    dropped_ahead.swap(ahead_);
  }
  wake_.notify_all();
  drained_.notify_all();
}

void WorkerPool::drain() {
  std::unique_lock lock(mutex_);
  drained_.wait(
      lock, [this] { return stopped_ || (running_ == 0 && demand_.empty() && ahead_.empty()); });
}

// What might be wanted soon never takes the last quarter of the threads.
bool WorkerPool::has_work_locked() const {
  if (!demand_.empty()) return true;
  return !ahead_.empty() && running_ahead_ < max_threads_ - max_threads_ / 4;
}

void WorkerPool::run() {
  ::pthread_setname_np(::pthread_self(), name_.c_str());
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    wake_.wait(lock, [this] { return stopped_ || has_work_locked(); });
    --idle_;
    if (stopped_) return;
    const bool is_ahead = demand_.empty();
    auto& queue = is_ahead ? ahead_ : demand_;
    auto job = std::move(queue.front());
    queue.pop_front();
    ++running_;
    if (is_ahead) ++running_ahead_;
    lock.unlock();
    run_guarded(job);
    job = nullptr;
    lock.lock();
    --running_;
    if (is_ahead) {
      --running_ahead_;
      if (!ahead_.empty()) wake_.notify_one();
    }
    if (running_ == 0 && demand_.empty() && ahead_.empty()) drained_.notify_all();
  }
}

}  // namespace neffs::fs
