// Work that somebody asks the daemon for and that takes its time: done by a thread of its own, one order
// at a time, with what is known so far to be asked for meanwhile.
#pragma once

#include <pthread.h>
#include <sys/resource.h>

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

namespace neffs::fs {

// The thread is nice. Safe for any thread.
template <typename Order, typename Found>
class Errand {
 public:
  using Tell = std::function<void(const Found&)>;
  // Calls `tell` now and then, and at the end; ends soon after it is to stop. What it throws is the
  // order's error.
  using Work = std::function<void(const Order&, const Tell& tell, const std::stop_token& stop)>;

  // thread_name: at most 15 letters
  Errand(std::string thread_name, Work work)
      : name_(std::move(thread_name)), work_(std::move(work)) {}
  ~Errand() { stop(); }
  Errand(const Errand&) = delete;
  Errand& operator=(const Errand&) = delete;

  // At most once; stop() after it.
  void start() {
    thread_ = std::thread([this] { run(); });
  }
  void stop() {
    stop_.request_stop();
    {
      const std::lock_guard lock(mutex_);
      running_.request_stop();
    }
    if (thread_.joinable()) thread_.join();
  }

  // Who asks takes the place of who asked before. Returns the number of the order.
  std::uint64_t begin(Order order) {
    std::uint64_t number = 0;
    {
      const std::lock_guard lock(mutex_);
      running_.request_stop();
      order_ = std::move(order);
      number = status_.order + 1;
      status_ = {number, true, {}, ""};
    }
    wake_.notify_all();
    return number;
  }

  struct Status {
    std::uint64_t order = 0;  // whose this is
    bool is_busy = false;
    Found found;
    std::string error;  // "" if it went well
  };
  Status status() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }

 private:
  void run() {
    ::pthread_setname_np(::pthread_self(), name_.c_str());
    ::setpriority(PRIO_PROCESS, 0, kNice);  // of this thread alone
    while (true) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, stop_.get_token(), [this] { return order_.has_value(); });
      if (stop_.stop_requested()) return;
      const auto order = *std::exchange(order_, std::nullopt);
      running_ = std::stop_source();
      const auto stop = running_.get_token();
      lock.unlock();
      follow(order, stop);
    }
  }

  // Of an order whose place was taken nobody wants to know.
  void follow(const Order& order, const std::stop_token& stop) {
    std::string error;
    try {
      const auto tell = [this, &stop](const Found& found) {
        const std::lock_guard lock(mutex_);
        if (!stop.stop_requested()) status_.found = found;
      };
      work_(order, tell, stop);
    } catch (const std::exception& failure) {
      error = failure.what();
    }
    const std::lock_guard lock(mutex_);
    if (stop.stop_requested()) return;
    status_.error = std::move(error);
    status_.is_busy = false;
  }

  static constexpr int kNice = 10;

  const std::string name_;
  const Work work_;
  std::stop_source stop_;

  mutable std::mutex mutex_;  // a leaf; protects everything below
  std::condition_variable_any wake_;
  std::optional<Order> order_;
  std::stop_source running_;  // of the order that is followed
  Status status_;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace neffs::fs
