// The file `.neffs-control` at the root of the mount: look-up finds it, listings do not. One request
// is handed over (fs/control_request.h), its answer is read back; commands use it to talk to the
// daemon, from containers too.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "fs/node_table.h"

namespace neffs::fs {

inline constexpr NodeId kControlNode = ~NodeId{0} - 1;

// Safe for any thread.
class ControlChannel {
 public:
  // Answers one request, on the thread that answers the kernel: it must not wait for the Hub.
  // Must not throw.
  using Handler = std::function<std::string(std::string_view request, uid_t caller)>;

  explicit ControlChannel(Handler handler) : handler_(std::move(handler)) {}

  std::uint64_t open() {
    const std::lock_guard lock(mutex_);
    answers_[++last_] = std::make_shared<const std::string>();
    return last_;
  }
  void ask(std::uint64_t handle, std::string_view request, uid_t caller) {
    auto answer = std::make_shared<const std::string>(handler_(request, caller));
    const std::lock_guard lock(mutex_);
    answers_[handle] = std::move(answer);
  }
  std::shared_ptr<const std::string> answer(std::uint64_t handle) const {
    const std::lock_guard lock(mutex_);
    const auto it = answers_.find(handle);
    return it == answers_.end() ? std::make_shared<const std::string>() : it->second;
  }
  void release(std::uint64_t handle) {
    const std::lock_guard lock(mutex_);
    answers_.erase(handle);
  }

 private:
  const Handler handler_;
  mutable std::mutex mutex_;
  std::uint64_t last_ = 0;
  std::unordered_map<std::uint64_t, std::shared_ptr<const std::string>> answers_;
};

}  // namespace neffs::fs
