// Names that come and go. It happens in the layer; what a source has under a deleted name is hidden.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <spdlog/spdlog.h>

#include "fs/cache_fs.h"
#include "fs/durable.h"
#include "fs/publishable.h"
#include "fs/umask_of.h"

namespace neffs::fs {
void CacheFs::check_may_change(const std::string& path) const {
  if (locate(path).place == Place::kTopLevel && is_reserved_root_name(path))
    throw_errno(EPERM, "reserved name");
}

// A directory that only the source has gets its twin here, silently, when something is made in it.
void CacheFs::make_parent(const std::string& path) {
  layer_.make_directories(std::string(parent_path(path)), options_.names.directory_mode,
                          options_.names.uid, options_.names.gid);
}

// The folder in which the name is about to be made.
Layer::Parent CacheFs::parent_for(const std::string& path) {
  try {
    return layer_.parent_of(path);
  } catch (const std::system_error& error) {
    if (error.code().value() != ENOENT) throw;
  }
  make_parent(path);
  return layer_.parent_of(path);
}

// As the disk does it: the caller owns what he makes, and its group is his unless the folder says
// otherwise. An ordinary user's mount cannot give files away, and need not.
//   made: a descriptor of what was made, never its name: below the mount somebody may have put
//   another file, or a symlink, in its place
void CacheFs::give_to_caller(const std::string& path, int made, const Caller& caller) {
  if (::geteuid() != 0) return;
  if (caller.uid == ::geteuid() && caller.gid == ::getegid()) return;
  const auto parent = layer_.parent_of(path);
  struct stat folder {};
  struct stat st {};
  if (::fstat(parent.fd.get(), &folder) != 0 || ::fstat(made, &st) != 0) throw_errno("stat");
  if (st.st_uid != ::geteuid()) return;  // not what was made
  const gid_t gid = (folder.st_mode & S_ISGID) != 0 ? static_cast<gid_t>(-1) : caller.gid;
  if (::fchownat(made, "", caller.uid, gid, AT_EMPTY_PATH) != 0) throw_errno("chown");
  const bool has_set_ids = !S_ISLNK(st.st_mode) && (st.st_mode & (S_ISUID | S_ISGID)) != 0;
  // A change of owner has taken them away.
  if (has_set_ids && ::chmod(proc_path(made).c_str(), st.st_mode & 07777) != 0)
    throw_errno("chmod");
}

Entry CacheFs::local_entry(NodeId parent, const std::string& name, const std::string& path,
                           const struct stat& st) {
  Found found;
  found.kind = Found::Kind::kLocal;
  found.st = st;
  return entry_of(parent, name, path, found);
}

void CacheFs::tell_changed(const std::string& path) {
  if (listener_ != nullptr) listener_->changed(path);
}

// --- making ---------------------------------------------------------------------------------------

// call: makes the name; its result is that of a system call
Entry CacheFs::make(NodeId parent, const std::string& name, const Caller& caller,
                    const std::function<int(const Layer::Parent&)>& call) {
  const auto path = nodes_.child_path(parent, name);
  check_may_change(path);
  if (names_.find(path).kind == Found::Kind::kRemote) throw_errno(EEXIST, "make");
  const bool hides_others = names_.hides_others(path);
  const auto parent_folder = parent_for(path);
  {
    const UmaskOf umask(caller);
    if (call(parent_folder) != 0) throw_errno("make");
  }
  const UniqueFd made(::openat(parent_folder.fd.get(), parent_folder.name.c_str(),
                               O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!made) throw_errno("make");
  give_to_caller(path, made.get(), caller);
  forget_deleted(path);  // of a file that went while nothing was mounted
  names_.touch(path);
  if (hides_others) forget_module_in_kernel(path);
  tell_changed(path);
  return local_entry(parent, name, path, stat_of(made.get()));
}

Entry CacheFs::mkdir(NodeId parent, const std::string& name, mode_t mode, const Caller& caller) {
  auto entry = make(parent, name, caller, [mode](const Layer::Parent& folder) {
    return ::mkdirat(folder.fd.get(), folder.name.c_str(), mode & 07777);
  });
  names_.stands_for_itself(nodes_.child_path(parent, name));
  return entry;
}

Entry CacheFs::mknod(NodeId parent, const std::string& name, mode_t mode, dev_t device,
                     const Caller& caller) {
  if (S_ISREG(mode)) {
    auto created = create(parent, name, O_WRONLY | O_EXCL, mode, caller);
    release(created.opened.handle);
    return created.entry;
  }
  return make(parent, name, caller, [mode, device](const Layer::Parent& folder) {
    return ::mknodat(folder.fd.get(), folder.name.c_str(), mode, device);
  });
}

Entry CacheFs::symlink(const std::string& target, NodeId parent, const std::string& name,
                       const Caller& caller) {
  // An alias of a registry is published where it is ours; a record without a file is nothing.
  const auto path = nodes_.child_path(parent, name);
  if (piece_of(path) == Piece::kRegistry) names_.mark_ours(path);
  return make(parent, name, caller, [&target](const Layer::Parent& folder) {
    return ::symlinkat(target.c_str(), folder.fd.get(), folder.name.c_str());
  });
}

void CacheFs::link(NodeId node, NodeId parent, const std::string& name, const Caller& caller,
                   const ReplyPtr<Entry>& reply) {
  try {
    const auto old_path = nodes_.path(node);
    check_may_change(nodes_.child_path(parent, name));
    bring(remote_file(node, {}), Clock::now() + hub_timeout_.load(), caller, reply,
          [this, old_path, parent, name, caller, reply] {
            reply->ok(link_here(old_path, parent, name, caller));
          });
  } catch (...) {
    reply->failed(std::current_exception());
  }
}

Entry CacheFs::link_here(const std::string& old_path, NodeId parent, const std::string& name,
                         const Caller& caller) {
  const auto path = nodes_.child_path(parent, name);
  const auto kind = names_.find(path).kind;
  if (kind == Found::Kind::kRemote || kind == Found::Kind::kLocal) throw_errno(EEXIST, "link");
  sync_before_mark(layer_, path);
  const bool hides_others = names_.hides_others(path);
  if (!is_lock(path)) names_.mark_ours(path);  // a record without a file is nothing
  const auto from = layer_.parent_of(old_path);
  const auto to = parent_for(path);
  if (::linkat(from.fd.get(), from.name.c_str(), to.fd.get(), to.name.c_str(), 0) != 0)
    throw_errno("link");
  struct stat st {};
  if (::fstatat(to.fd.get(), to.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) throw_errno("link");
  names_.touch(path);
  if (is_lock(path) && listener_ != nullptr) listener_->lock_made(path, caller);
  if (hides_others) forget_module_in_kernel(path);
  tell_changed(path);
  return local_entry(parent, name, path, st);
}

// --- deleting -------------------------------------------------------------------------------------

// What a process may still hold when the name is gone.
UniqueFd CacheFs::last_hold(const std::string& path) {
  try {
    return layer_.open(path, O_PATH);
  } catch (const std::system_error&) {
    return {};
  }
}

void CacheFs::lose_name(NodeId node, UniqueFd last_hold) {
  files_.let_go(node);
  nodes_.keep(node, std::move(last_hold));
}

void CacheFs::unlink(NodeId parent, const std::string& name) {
  const auto path = nodes_.child_path(parent, name);
  check_may_change(path);
  UniqueFd fd;
  {
    std::unique_lock<std::mutex> hold;
    if (!is_lock(path)) hold = whiteouts_.hold();
    fd = last_hold(path);
    // First of all, so that the source's file is not seen in its place for a moment, or after a crash.
    const bool hidden = names_.white_out(path);
    const auto folder = fd ? layer_.parent_of(path) : Layer::Parent();
    if (fd && ::unlinkat(folder.fd.get(), folder.name.c_str(), 0) != 0 &&
        !(errno == ENOENT && hidden)) {
      const int error = errno;
      if (hidden) names_.drop_whiteout(path);
      throw_errno(error, "unlink");
    }
    if (!fd && !hidden) throw_errno(ENOENT, "unlink");
  }
  names_.touch(path);
  const bool was_here = bool(fd);
  lose_name(nodes_.remove(parent, name), std::move(fd));
  if (was_here && !is_lock(path)) forget_deleted(path);
  tell_changed(path);
}

// On a full disk deleting has to work first of all. A record without a file is dropped when the
// name is wanted again.
void CacheFs::forget_deleted(const std::string& path) {
  try {
    if (index_.layer_file(path)) index_.forget_file(path);
  } catch (const index::IndexError& error) {
    spdlog::warn("{} was deleted, and its record was not: {}", path, error.what());
  }
}

// No name would be listed in it. A compiler folder is empty without the modules it does not list.
bool CacheFs::is_shown_empty(const std::string& directory) {
  if (const auto children = names_.children(directory, remotes_of(directory)))
    return children->empty();
  const auto question = sources_.about_children(directory, true, names_.owner_of(directory));
  if (!names_.children(directory, Names::Remotes::kKnown)->empty()) return false;
  // Git has no empty folders; but one that nobody can list now is listed as empty.
  return !question->is_worth_waiting() || !names_.remote(directory);
}

void CacheFs::rmdir(NodeId parent, const std::string& name) {
  const auto path = nodes_.child_path(parent, name);
  check_may_change(path);
  UniqueFd fd;
  {
    const auto hold = whiteouts_.hold();
    fd = last_hold(path);
    const auto found = names_.find(path);
    if (found.kind != Found::Kind::kLocal && found.kind != Found::Kind::kRemote)
      throw_errno(ENOENT, "rmdir");
    if (S_ISDIR(found.st.st_mode) && !is_shown_empty(path)) throw_errno(ENOTEMPTY, "rmdir");
    const bool hidden = locate(path).place != Place::kVersion && names_.white_out(path);
    if (found.kind == Found::Kind::kLocal) {
      const auto folder = layer_.parent_of(path);
      if (::unlinkat(folder.fd.get(), folder.name.c_str(), AT_REMOVEDIR) != 0) {
        const int error = errno;
        if (hidden) names_.drop_whiteout(path);
        throw_errno(error, "rmdir");
      }
    }
    names_.white_out_contents(path);
  }
  names_.touch(path);
  lose_name(nodes_.remove(parent, name), std::move(fd));
  tell_changed(path);
}

// --- behind the kernel's back ---------------------------------------------------------------------

bool CacheFs::remove_quietly(const std::string& path, LayerId id) {
  const auto st = layer_.stat(path);
  if (!st || S_ISDIR(st->st_mode) || layer_id(*st) != id) return false;
  const auto node = nodes_.find(path);
  if (node != 0 && files_.is_open(node)) return false;
  const auto folder = layer_.parent_of(path);
  if (!is_lock(path)) forget_deleted(path);  // before its name is free for another one
  if (::unlinkat(folder.fd.get(), folder.name.c_str(), 0) != 0) throw_errno("unlink");
  names_.touch(path);
  if (const auto parent = nodes_.find(std::string(parent_path(path))); parent != 0)
    files_.let_go(nodes_.remove(parent, folder.name));
  forget_in_kernel({path});
  tell_changed(path);
  return true;
}

std::vector<std::string> CacheFs::restore(const std::string& path) {
  const auto hold = whiteouts_.hold();
  auto restored = names_.restore(path);
  forget_in_kernel(restored);
  return restored;
}

void CacheFs::forget_in_kernel(const std::vector<std::string>& paths) {
  if (kernel_ == nullptr) return;
  std::vector<KernelCache::Name> names;
  for (const auto& path : paths)
    if (const auto parent = nodes_.find(std::string(parent_path(path))); parent != 0)
      names.push_back({parent, std::string(base_name(path))});
  kernel_->forget_names(std::move(names));
}

void CacheFs::source_moved() {
  nodes_.outdate_files();
  names_.forget_judgements();
  if (kernel_ == nullptr) return;
  std::vector<KernelCache::Name> names;
  for (auto& [parent, name] : nodes_.names()) names.push_back({parent, std::move(name)});
  kernel_->forget_names(std::move(names));
}

// A local output hides what the source has of its module.
void CacheFs::forget_module_in_kernel(const std::string& path) {
  const auto at = locate(path);
  const auto listing = names_.remote_module(at.module).listing;
  if (!listing) return;
  std::vector<std::string> paths;
  for (const auto& [inside, shown] : listing->names)
    if (inside != at.inside) paths.push_back(join_path(at.module, inside));
  forget_in_kernel(paths);
}

}  // namespace neffs::fs
