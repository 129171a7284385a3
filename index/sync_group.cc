#include "index/sync_group.h"

namespace neffs::index {

void SyncGroup::wait() {
  std::unique_lock lock(mutex_);
  const std::uint64_t wanted = begun_ + 1;
  while (!failure_ && finished_ < wanted) {
    if (begun_ > finished_) {
      ended_.wait(lock);
    } else {
      run_one(lock);
    }
  }
  if (failure_) std::rethrow_exception(failure_);
}

void SyncGroup::run_one(std::unique_lock<std::mutex>& lock) {
  ++begun_;
  lock.unlock();
  std::exception_ptr failure;
  try {
    sync_();
  } catch (...) {
    failure = std::current_exception();
  }
  lock.lock();
  ++finished_;
  failure_ = failure;
  ended_.notify_all();
}

}  // namespace neffs::index
