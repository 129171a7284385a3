// Tells the kernel to forget names and attributes.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "fs/kernel_cache.h"

struct fuse_session;

namespace neffs::fs {

// Names are forgotten by the epoch of the mount (Linux 6.16 and later), which takes no lock, before the
// call returns; on older kernels by a notification each, which takes the folder's lock, from a thread
// of its own. Attributes always go that way.
class Notifier : public KernelCache {
 public:
  // The session outlives this.
  explicit Notifier(fuse_session* session);
  ~Notifier() override;
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  void forget_names(std::vector<Name> names) override;
  void forget_attributes(NodeId node) override;

 private:
  using Notice = std::variant<Name, NodeId>;

  bool begin_epoch();
  void add(std::vector<Notice> notices);
  void tell(const Notice& notice);
  void work();

  fuse_session* const session_;
  std::atomic<bool> has_epochs_{true};
  std::mutex mutex_;  // a leaf; protects everything below
  std::condition_variable wake_;
  std::deque<Notice> notices_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace neffs::fs
