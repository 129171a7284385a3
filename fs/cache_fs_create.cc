// Making files, which are ours from before their first byte on.
#include <fcntl.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include <spdlog/spdlog.h>

#include "fs/cache_fs.h"
#include "fs/durable.h"
#include "fs/open_fd.h"
#include "fs/umask_of.h"

namespace neffs::fs {

// What is written through the mount is ours, from before its first byte on.
void CacheFs::claim(const std::string& path, int fd) {
  const bool hides_others = names_.hides_others(path);
  if (!names_.claim(path, fd)) throw_errno(ESTALE, "open");
  if (hides_others) forget_module_in_kernel(path);
  tell_changed(path);
}

// Whether the file is new is for the disk to say: somebody may have made it below the mount.
CacheFs::MadeFile CacheFs::make_file(const std::string& path, int flags, mode_t mode,
                                     const Caller& caller) {
  const auto make = [&] {
    const UmaskOf umask(caller);
    return layer_.open(path, handle_flags(flags) | O_CREAT | O_EXCL, mode);
  };
  try {
    return {make(), true};
  } catch (const std::system_error& error) {
    if (error.code().value() == EEXIST && (flags & O_EXCL) == 0)
      return {layer_.open(path, handle_flags(flags) | O_NONBLOCK), false};
    if (error.code().value() != ENOENT) throw;
  }
  make_parent(path);
  return {make(), true};
}

// A file that was made for nobody; what made it fail is what the caller is told.
void CacheFs::remove_failed(const std::string& path, int fd) {
  try {
    remove_quietly(path, layer_id(stat_of(fd)));
  } catch (const std::exception& error) {
    spdlog::warn("{}: {}", path, error.what());
  }
}

Created CacheFs::create(NodeId parent, const std::string& name, int flags, mode_t mode,
                        const Caller& caller) {
  const auto path = nodes_.child_path(parent, name);
  check_may_change(path);
  // It has come since it was looked up; the kernel looks again.
  if (names_.find(path).kind == Found::Kind::kRemote)
    throw_errno((flags & O_EXCL) != 0 ? EEXIST : ESTALE, "create");
  sync_before_mark(layer_, path);
  auto [own, is_new] = make_file(path, flags, mode, caller);
  try {
    if (is_new) give_to_caller(path, own.get(), caller);
    claim(path, own.get());
    // Not what was just made: the disk takes that for a reason to write it out when it is closed.
    if ((flags & O_TRUNC) != 0 && !is_new) empty(own.get());
  } catch (...) {
    if (is_new) remove_failed(path, own.get());
    throw;
  }
  if (is_new && listener_ != nullptr && is_lock(path)) listener_->lock_made(path, caller);
  Created created;
  created.entry = local_entry(parent, name, path, stat_of(own.get()));
  UniqueFd shared;
  try {
    shared = reopen(own.get(), O_RDONLY);
  } catch (const std::system_error&) {
    shared = duplicate(own.get());  // a mode without the right to read, in a user's own mount
  }
  created.opened = files_.open(created.entry.node, std::move(shared), std::move(own));
  if (files_.is_mappable(created.entry.node)) created.entry.attr_timeout_s = 0;
  tell_used(path);
  return created;
}

}  // namespace neffs::fs
