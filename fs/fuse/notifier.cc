#include "fs/fuse/notifier.h"

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace neffs::fs {
namespace {

// From the kernel's protocol; Debian 12's headers are older.
constexpr std::int32_t kIncreaseEpoch = 8;

}  // namespace

Notifier::Notifier(fuse_session* session) : session_(session), thread_([this] { work(); }) {
  ::pthread_setname_np(thread_.native_handle(), "neffs-notify");
}

Notifier::~Notifier() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Notifier::forget_names(std::vector<Name> names) {
  if (names.empty() || begin_epoch()) return;
  add({std::make_move_iterator(names.begin()), std::make_move_iterator(names.end())});
}

void Notifier::forget_attributes(NodeId node) {
  add({node});
}

bool Notifier::begin_epoch() {
  if (!has_epochs_) return false;
  const fuse_out_header notice{sizeof notice, kIncreaseEpoch, 0};
  if (::write(::fuse_session_fd(session_), &notice, sizeof notice) == sizeof notice) return true;
  has_epochs_ = false;
  return false;
}

void Notifier::add(std::vector<Notice> notices) {
  {
    const std::lock_guard lock(mutex_);
    std::move(notices.begin(), notices.end(), std::back_inserter(notices_));
  }
  wake_.notify_all();
}

// A name or node that the kernel does not know is nothing to forget.
void Notifier::tell(const Notice& notice) {
  if (const auto* name = std::get_if<Name>(&notice))
    ::fuse_lowlevel_notify_inval_entry(session_, name->parent, name->name.c_str(),
                                       name->name.size());
  else
    ::fuse_lowlevel_notify_inval_inode(session_, std::get<NodeId>(notice), -1, 0);
}

void Notifier::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopped_ || !notices_.empty(); });
    if (stopped_) return;
    const Notice notice = std::move(notices_.front());
    notices_.pop_front();
    lock.unlock();
    tell(notice);
    lock.lock();
  }
}

}  // namespace neffs::fs
