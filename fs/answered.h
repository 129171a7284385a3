// Waiting for an answer of the Hub, for threads that answer nobody themselves.
#pragma once

#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>

#include "fs/remote_view.h"

namespace neffs::fs {

// Waits for an answer; false if it was a failure, if there was none in time, or if it is to stop.
inline bool is_answered(const std::stop_token& stop, std::chrono::seconds patience,
                        const std::function<void(RemoteView::Done)>& ask) {
  struct Answer {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::optional<bool> is_good;  // protected by mutex
  };
  const auto answer = std::make_shared<Answer>();
  ask([answer](const std::exception_ptr& error) {
    const std::lock_guard lock(answer->mutex);
    answer->is_good = !error;
    answer->wake.notify_all();
  });
  std::unique_lock lock(answer->mutex);
  answer->wake.wait_for(lock, stop, patience, [&] { return answer->is_good.has_value(); });
  return answer->is_good.value_or(false);
}

}  // namespace neffs::fs
