#include "fs/head_poller.h"

#include <pthread.h>

#include <random>
#include <utility>

namespace neffs::fs {

HeadPoller::HeadPoller(std::function<void()> ask, std::chrono::milliseconds every)
    : ask_(std::move(ask)), every_(every), thread_([this] { run(); }) {}

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
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, every_ * share(random), [this] { return is_stopped_; })) {
    lock.unlock();
    ask_();
    lock.lock();
  }
}

}  // namespace neffs::fs
