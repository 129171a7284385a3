// Many threads that need the disk to have it all, few syncs.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <utility>

namespace neffs::index {

// Any thread may call any time. The mutex is a leaf and not held while the disk works.
class SyncGroup {
 public:
  // sync: makes durable all that was written before it was called; throws where it cannot.
  explicit SyncGroup(std::function<void()> sync) : sync_(std::move(sync)) {}

  // Returns when a sync that began after this call has ended. Once sync has thrown, this throws the
  // same for ever: the kernel counts the lost pages as clean, and another try would succeed.
  void wait();

 private:
  void run_one(std::unique_lock<std::mutex>& lock);

  const std::function<void()> sync_;
  std::mutex mutex_;  // guards all below
  std::condition_variable ended_;
  std::uint64_t begun_ = 0;  // syncs so far, the running one included
  std::uint64_t finished_ = 0;
  std::exception_ptr failure_;
};

}  // namespace neffs::index
