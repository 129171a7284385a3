#include "fs/head_poller.h"

#include <pthread.h>

#include <random>
#include <utility>

namespace neffs::fs {

HeadPoller::HeadPoller(Ask ask, std::chrono::milliseconds every)
    : ask_(std::move(ask)), every_(every), thread_([this] { run(); }) {}

void HeadPoller::set_interval(std::chrono::milliseconds every) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(every_, every) == every) return;
    is_changed_ = true;
  }
  wake_.notify_all();
}

void HeadPoller::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void HeadPoller::run() {
  ::pthread_setname_np(::pthread_self(), "neffs-poll");
  std::minstd_rand random(std::random_device{}());
  std::uniform_real_distribution<double> share(0.8, 1.2);
  const auto is_wanted = [this] { return is_stopped_ || is_changed_; };
  std::unique_lock lock(mutex_);
  while (!is_stopped_) {
    is_changed_ = false;
    if (every_.count() == 0) {
      wake_.wait(lock, is_wanted);
    } else if (!wake_.wait_for(lock, every_ * share(random), is_wanted)) {
      const auto every = every_;
      lock.unlock();
      ask_(every);
      lock.lock();
    }
  }
}

}  // namespace neffs::fs
