// Open directories: what a listing shows is fixed when it is opened and when it is rewound, so that
// names that come and go meanwhile are neither doubled nor make others be missed.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "fs/names.h"

namespace neffs::fs {

struct OpenDirectory {
  NodeId node = 0;
  std::vector<Names::Child> children;
  bool was_read = false;  // from its start; reading there again is a rewind
};

// Safe for any thread, but one handle is read by one thread at a time (the kernel sees to that).
class DirHandles {
 public:
  std::uint64_t add(NodeId node, std::vector<Names::Child> children) {
    auto directory = std::make_shared<OpenDirectory>();
    directory->node = node;
    directory->children = std::move(children);
    const std::lock_guard lock(mutex_);
    handles_[++last_] = std::move(directory);
    return last_;
  }

  // Null for a number that is not a handle.
  std::shared_ptr<OpenDirectory> get(std::uint64_t handle) const {
    const std::lock_guard lock(mutex_);
    const auto it = handles_.find(handle);
    return it == handles_.end() ? nullptr : it->second;
  }

  void release(std::uint64_t handle) {
    const std::lock_guard lock(mutex_);
    handles_.erase(handle);
  }

 private:
  mutable std::mutex mutex_;
  std::uint64_t last_ = 0;
  std::unordered_map<std::uint64_t, std::shared_ptr<OpenDirectory>> handles_;
};

}  // namespace neffs::fs
