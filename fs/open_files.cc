#include "fs/open_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "fs/last_use.h"
#include "fs/layer.h"

namespace neffs::fs {
namespace {

// Enough for the modules of a large training, few enough to matter to nobody.
constexpr std::size_t kMostIdle = 256;

// A shared mapping takes a descriptor that reads and writes.
bool is_mappable_handle(const UniqueFd& own) {
  return own && (::fcntl(own.get(), F_GETFL) & O_ACCMODE) == O_RDWR;
}

CopyPromise state_of(int fd) {
  struct stat st {};
  return ::fstat(fd, &st) == 0 ? promise_of(st) : CopyPromise{};
}

}  // namespace

HandleId OpenFiles::add_locked(NodeId node, std::shared_ptr<Inode> inode, UniqueFd own) {
  if (inode->handles++ == 0) {
    if (const auto it = idle_at_.find(node); it != idle_at_.end()) {
      idle_.erase(it->second);
      idle_at_.erase(it);
    }
  }
  auto handle =
      std::make_shared<Handle>(Handle{node, std::move(inode), std::move(own), std::nullopt});
  if (handle->own) ++handle->inode->writers;
  if (is_mappable_handle(handle->own)) {
    ++handle->inode->mappers;
    handle->opened_as = state_of(handle->own.get());
  }
  if (free_.empty()) {
    handles_.push_back(std::move(handle));
    return handles_.size();
  }
  const HandleId id = free_.front();
  free_.pop_front();
  handles_[id - 1] = std::move(handle);
  return id;
}

bool OpenFiles::is_unchanged(const Inode& inode, struct stat& st) const {
  if (::fstat(inode.fd.get(), &st) != 0 || st.st_nlink == 0) return false;
  if (!inode.promise) return true;
  return promise_of(st) == *inode.promise;
}

// Who holds the value closes the descriptor and the backing file, without the lock.
std::shared_ptr<OpenFiles::Inode> OpenFiles::drop_locked(NodeId node) {
  const auto it = inodes_.find(node);
  if (it == inodes_.end()) return nullptr;
  auto inode = std::move(it->second);
  inodes_.erase(it);
  if (const auto idle = idle_at_.find(node); idle != idle_at_.end()) {
    idle_.erase(idle->second);
    idle_at_.erase(idle);
  }
  return inode;
}

std::optional<Opened> OpenFiles::open_again(NodeId node) {
  std::shared_ptr<Inode> dropped;
  std::shared_ptr<Inode> used;  // a copy that was idle
  struct stat st {};
  Opened opened;
  {
    const std::lock_guard lock(mutex_);
    const auto it = inodes_.find(node);
    if (it == inodes_.end()) return std::nullopt;
    const auto& inode = it->second;
    if (inode->handles == 0) {
      if (!is_unchanged(*inode, st)) {
        dropped = drop_locked(node);
        return std::nullopt;
      }
      if (inode->promise) used = inode;
    }
    opened.backing_id = inode->backing_id();
    opened.handle = add_locked(node, inode, UniqueFd());
  }
  if (used) note_use(used->fd.get(), st);
  return opened;
}

Opened OpenFiles::open(NodeId node, UniqueFd shared, UniqueFd own,
                       std::optional<CopyPromise> promise) {
  std::shared_ptr<Inode> dropped;
  const std::lock_guard lock(mutex_);
  if (const auto it = inodes_.find(node); it != inodes_.end() && it->second->handles == 0)
    dropped = drop_locked(node);
  auto& inode = inodes_[node];
  if (!inode) {
    inode = std::make_shared<Inode>();
    inode->fd = std::move(shared);
    inode->promise = promise;
    if (backing_ != nullptr) inode->backing.emplace(*backing_, inode->fd.get());
  }
  if (own) inode->keep = false;
  const auto backing_id = inode->backing_id();
  return {add_locked(node, inode, std::move(own)), backing_id};
}

OpenFiles::Closed OpenFiles::release(HandleId id) {
  std::shared_ptr<Handle> handle;  // their descriptors are closed when the lock is gone
  std::shared_ptr<Inode> dropped;
  const std::lock_guard lock(mutex_);
  if (id == 0 || id > handles_.size() || !handles_[id - 1]) return {};
  handle = std::move(handles_[id - 1]);
  free_.push_back(id);
  Closed closed{handle->node, bool(handle->own), false};
  if (handle->own) --handle->inode->writers;
  if (handle->opened_as) {
    --handle->inode->mappers;
    closed.was_changed = state_of(handle->own.get()) != *handle->opened_as;
  }
  if (--handle->inode->handles != 0) return closed;
  if (!handle->inode->keep) {
    dropped = drop_locked(handle->node);
    return closed;
  }
  idle_at_[handle->node] = idle_.insert(idle_.begin(), handle->node);
  if (idle_.size() > kMostIdle) dropped = drop_locked(idle_.back());
  return closed;
}

void OpenFiles::let_go(NodeId node) {
  std::shared_ptr<Inode> dropped;
  const std::lock_guard lock(mutex_);
  const auto it = inodes_.find(node);
  if (it == inodes_.end()) return;
  it->second->keep = false;
  if (it->second->handles == 0) dropped = drop_locked(node);
}

OpenFiles::Use OpenFiles::use(HandleId id) const {
  const std::lock_guard lock(mutex_);
  if (id == 0 || id > handles_.size() || !handles_[id - 1]) throw_errno(EBADF, "handle");
  const auto& handle = handles_[id - 1];
  return {handle, handle->own ? handle->own.get() : handle->inode->fd.get()};
}

std::optional<OpenFiles::Use> OpenFiles::use_node(NodeId node) const {
  const std::lock_guard lock(mutex_);
  const auto it = inodes_.find(node);
  if (it == inodes_.end() || it->second->handles == 0) return std::nullopt;
  return Use(it->second, it->second->fd.get());
}

bool OpenFiles::is_mappable(NodeId node) const {
  const std::lock_guard lock(mutex_);
  const auto it = inodes_.find(node);
  return it != inodes_.end() && it->second->mappers != 0;
}

bool OpenFiles::is_written(NodeId node) const {
  const std::lock_guard lock(mutex_);
  const auto it = inodes_.find(node);
  return it != inodes_.end() && it->second->writers != 0;
}

bool OpenFiles::is_open(NodeId node) const {
  const std::lock_guard lock(mutex_);
  const auto it = inodes_.find(node);
  return it != inodes_.end() && it->second->handles != 0;
}

std::size_t OpenFiles::size() const {
  const std::lock_guard lock(mutex_);
  return handles_.size() - free_.size();
}

}  // namespace neffs::fs
