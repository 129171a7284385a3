#include "fs/open_files.h"

#include <cerrno>
#include <utility>

#include "fs/layer.h"

namespace neffs::fs {

OpenFiles::~OpenFiles() {
  if (backing_ == nullptr) return;
  for (const auto& [node, inode] : inodes_)
    if (inode->backing_id != 0) backing_->close(inode->backing_id);
}

HandleId OpenFiles::add_locked(NodeId node, std::shared_ptr<Inode> inode, UniqueFd own) {
  ++inode->handles;
  auto handle = std::make_shared<Handle>(Handle{node, std::move(inode), std::move(own)});
  if (free_.empty()) {
    handles_.push_back(std::move(handle));
    return handles_.size();
  }
  const HandleId id = free_.front();
  free_.pop_front();
  handles_[id - 1] = std::move(handle);
  return id;
}

std::optional<Opened> OpenFiles::open_again(NodeId node) {
  const std::lock_guard lock(mutex_);
  const auto it = inodes_.find(node);
  if (it == inodes_.end()) return std::nullopt;
  const auto backing_id = it->second->backing_id;
  return Opened{add_locked(node, it->second, UniqueFd()), backing_id};
}

Opened OpenFiles::open(NodeId node, UniqueFd shared, UniqueFd own) {
  const std::lock_guard lock(mutex_);
  auto& inode = inodes_[node];
  if (!inode) {
    inode = std::make_shared<Inode>();
    inode->fd = std::move(shared);
    if (backing_ != nullptr) inode->backing_id = backing_->open(inode->fd.get()).value_or(0);
  }
  const auto backing_id = inode->backing_id;
  return {add_locked(node, inode, std::move(own)), backing_id};
}

void OpenFiles::release(HandleId id) {
  std::shared_ptr<Handle> closed;  // its descriptors are closed when the lock is gone
  const std::lock_guard lock(mutex_);
  if (id == 0 || id > handles_.size() || !handles_[id - 1]) return;
  closed = std::move(handles_[id - 1]);
  free_.push_back(id);
  if (--closed->inode->handles != 0) return;
  inodes_.erase(closed->node);
  if (closed->inode->backing_id != 0) backing_->close(closed->inode->backing_id);
}

OpenFiles::Use OpenFiles::use(HandleId id) const {
  const std::lock_guard lock(mutex_);
  if (id == 0 || id > handles_.size() || !handles_[id - 1]) throw_errno(EBADF, "handle");
  Use use;
  const auto& handle = handles_[id - 1];
  use.fd_ = handle->own ? handle->own.get() : handle->inode->fd.get();
  use.keep_ = handle;
  return use;
}

std::optional<OpenFiles::Use> OpenFiles::use_node(NodeId node) const {
  const std::lock_guard lock(mutex_);
  const auto it = inodes_.find(node);
  if (it == inodes_.end()) return std::nullopt;
  Use use;
  use.fd_ = it->second->fd.get();
  use.keep_ = it->second;
  return use;
}

std::size_t OpenFiles::size() const {
  const std::lock_guard lock(mutex_);
  return handles_.size() - free_.size();
}

}  // namespace neffs::fs
