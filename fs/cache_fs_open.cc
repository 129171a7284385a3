// Opening: from the layer at once, from the source when it has been fetched.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include <spdlog/spdlog.h>

#include "fs/cache_fs.h"
#include "fs/durable.h"
#include "fs/last_use.h"
#include "fs/umask_of.h"

namespace neffs::fs {
namespace {

bool writes(int flags) {
  return (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0;
}

UniqueFd duplicate(int fd) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) throw_errno("dup");
  return copy;
}

// Another open file of the same inode, also of one that has lost its names.
UniqueFd reopen(int fd, int flags) {
  UniqueFd again(::open(proc_path(fd).c_str(), flags | O_CLOEXEC));
  if (!again) throw_errno("open");
  return again;
}

// One by one: arguments are made in any order.
Opened open_with(OpenFiles& files, NodeId node, UniqueFd own) {
  auto shared = reopen(own.get(), O_RDONLY);
  return files.open(node, std::move(shared), std::move(own));
}

// As O_TRUNC does it, which also works through a handle that only reads.
void empty(int fd) {
  if (::truncate(proc_path(fd).c_str(), 0) != 0) throw_errno("truncate");
}

// What a handle of ours may do; O_TRUNC is done by empty(), O_CREAT and its kin by the kernel, which says
// where an O_APPEND write goes: our own would keep copy_file_range and pwrite from their offsets.
int handle_flags(int flags) {
  return flags & (O_ACCMODE | O_DSYNC | O_SYNC);
}

std::exception_ptr interrupted() {
  return std::make_exception_ptr(std::system_error(EINTR, std::generic_category(), "open"));
}

}  // namespace

void CacheFs::open(NodeId node, int flags, const Caller& caller, const ReplyPtr<Opened>& reply) {
  try {
    if (!writes(flags)) {
      if (const auto opened = files_.open_again(node)) {
        ++counters_.local_opens;
        reply->ok(*opened);
        return;
      }
    } else if (const auto use = files_.use_node(node)) {
      reply->ok(open_to_write_again(node, use->fd(), flags));
      return;
    }
    const auto path = nodes_.path(node);
    // The kernel looks the name up and opens what it stands for now, which may be of another size.
    if (nodes_.is_outdated(node)) {
      reply->failed(
          std::make_exception_ptr(std::system_error(ESTALE, std::generic_category(), "open")));
      return;
    }
    if (const auto opened = open_here(node, path, flags)) {
      ++counters_.local_opens;
      reply->ok(*opened);
      return;
    }
    open_remote(node, path, flags, caller, reply);
  } catch (...) {
    ++counters_.errors;
    reply->failed(std::current_exception());
  }
}

// nullopt: the bytes are not here (any more)
std::optional<Opened> CacheFs::open_here(NodeId node, const std::string& path, int flags) {
  const auto st = layer_.stat(path);
  if (!st) {
    const auto file = placer_.staged(path);
    return file ? std::optional(attach(node, path, *file, flags)) : std::nullopt;
  }
  Names::CopyCheck check;
  if (S_ISREG(st->st_mode) && !is_lock(path) && (flags & O_TRUNC) == 0)
    check = names_.check_copy(path, *st);
  // Other bytes are another node: the kernel looks the name up again.
  if (check.verdict == Names::Copy::kDamaged) throw_errno(ESTALE, "open");
  if (!writes(flags)) {
    auto shared = layer_.open(path, O_RDONLY | O_NONBLOCK);
    check_is(node, shared.get());
    if (check.promise) note_use(shared.get(), *st);
    return files_.open(node, std::move(shared), UniqueFd(), check.promise);
  }
  auto own = open_to_write(node, path, flags);
  return open_with(files_, node, std::move(own));
}

// The kernel has judged the caller's rights by the attributes of the node: below the mount somebody
// may have put another file in its place since, or a pipe, for which one would wait (O_NONBLOCK).
void CacheFs::check_is(NodeId node, int fd) const {
  const auto st = stat_of(fd);
  const auto known = nodes_.layer_of(node);
  if (known && *known != layer_id(st)) throw_errno(ESTALE, "open");
}

// Ours before it is emptied: until then a reader takes the shorter file for a damaged copy.
UniqueFd CacheFs::open_to_write(NodeId node, const std::string& path, int flags) {
  auto own = layer_.open(path, handle_flags(flags) | O_NONBLOCK);
  check_is(node, own.get());
  claim(path, own.get());
  if ((flags & O_TRUNC) != 0) empty(own.get());
  return own;
}

// The inode's name may be gone, and a copy that is open for reading is about to become ours.
Opened CacheFs::open_to_write_again(NodeId node, int fd, int flags) {
  if (const auto path = name_of(node)) {
    if (placer_.staged(*path)) placer_.give_name(*path);
    claim(*path, fd);
  }
  auto own = reopen(fd, handle_flags(flags));
  if ((flags & O_TRUNC) != 0) empty(own.get());
  return files_.open(node, duplicate(fd), std::move(own));
}

std::optional<std::string> CacheFs::name_of(NodeId node) const {
  try {
    return nodes_.path(node);
  } catch (const std::system_error&) {
    return std::nullopt;
  }
}

Opened CacheFs::attach(NodeId node, const std::string& path, const FetchedFile& file, int flags) {
  if (writes(flags)) {
    placer_.give_name(path);
    auto own = open_to_write(node, path, flags);
    return open_with(files_, node, std::move(own));
  }
  auto shared = duplicate(file.fd.get());
  const auto promise = promise_of(stat_of(shared.get()));
  return files_.open(node, std::move(shared), UniqueFd(), promise);
}

void CacheFs::open_remote(NodeId node, const std::string& path, int flags, const Caller& caller,
                          const ReplyPtr<Opened>& reply) {
  const auto give_up = [this, reply](GiveUp) {
    ++counters_.errors;
    reply->failed(interrupted());
  };
  const auto found = names_.find(path);
  if (found.kind == Found::Kind::kUnknown) {
    park(reply, std::nullopt, caller, give_up,
         [&](WaitId id) { ask_and_fetch(node, path, flags, found.only, id, reply); });
    return;
  }
  if (found.kind == Found::Kind::kLocal) {  // it arrived a moment ago
    if (const auto opened = open_here(node, path, flags)) {
      reply->ok(*opened);
      return;
    }
  }
  if (found.kind != Found::Kind::kRemote) throw_errno(ENOENT, "open");
  if (found.remote.kind != RemoteName::Kind::kFile) throw_errno(EISDIR, "open");
  if (is_other_file(node, found)) throw_errno(ESTALE, "open");
  if ((flags & O_TRUNC) != 0) {  // nothing of the remote bytes is wanted
    make_empty(path);
    reply->ok(open_with(files_, node, open_to_write(node, path, flags)));
    return;
  }
  park(reply, std::nullopt, caller, give_up, [&](WaitId id) {
    fetch(node, path, {found.remote, found.from}, flags, id, reply);
  });
}

void CacheFs::ask_and_fetch(NodeId node, const std::string& path, int flags, RemoteView* only,
                            WaitId wait, const ReplyPtr<Opened>& reply) {
  sources_.about(path, only)
      ->start([this, node, path, flags, wait, reply](const std::exception_ptr& error) {
        try {
          const auto now = names_.remote(path);
          if (!now && error) std::rethrow_exception(error);
          if (!now || now->name.kind != RemoteName::Kind::kFile) throw_errno(ENOENT, "open");
          fetch(node, path, *now, flags, wait, reply);
        } catch (...) {
          if (!waits_.settle(wait)) return;
          ++counters_.errors;
          reply->failed(std::current_exception());
        }
      });
}

// The module stays with the source that its first file is ordered from.
std::optional<FetchOrder> CacheFs::order(const std::string& path, const RemoteName& remote,
                                         RemoteView& from) {
  FetchOrder order;
  order.repo = &from.repo();
  order.source = from.name().text();
  order.path = path;
  order.size = remote.size;
  order.content = remote.content;
  order.commit = from.commit();
  order.mtime_s = from.commit_time_s();
  const auto at = locate(path);
  if (at.place == Place::kInsideModule) {
    if (names_.take_from(at.module, from) != &from) return std::nullopt;
    order.module = std::string(at.module);
    order.listing = from.peek_module(at.module);
    if (!order.listing) return std::nullopt;
  }
  // The branch may have moved since the caller looked.
  const auto now = from.peek(path);
  if (!now || now->kind != RemoteName::Kind::kFile || now->content != remote.content)
    return std::nullopt;
  return order;
}

void CacheFs::fetch(NodeId node, const std::string& path, const Shown& remote, int flags,
                    WaitId wait, const ReplyPtr<Opened>& reply) {
  auto wanted = order(path, remote.name, *remote.from);
  if (!wanted) {
    if (waits_.settle(wait))
      reply->failed(
          std::make_exception_ptr(std::system_error(ESTALE, std::generic_category(), "open")));
    return;
  }
  fetcher_.fetch(std::move(*wanted), Urgency::kDemand,
                 [this, node, path, flags, wait, reply](const auto& file, const auto& error) {
                   if (error) names_.reconsider(path);
                   if (!waits_.settle(wait)) return;
                   try {
                     if (error) std::rethrow_exception(error);
                     reply->ok(attach(node, path, *file, flags));
                   } catch (...) {
                     ++counters_.errors;
                     reply->failed(std::current_exception());
                   }
                 });
  fetch_bundle(path);
}

// One after the other.
void CacheFs::fetch_into_layer(std::vector<std::string> paths,
                               const std::function<void(std::exception_ptr)>& done) {
  if (paths.empty()) {
    done(nullptr);
    return;
  }
  const auto path = std::move(paths.front());
  paths.erase(paths.begin());
  const auto found = names_.find(path);
  if (found.kind == Found::Kind::kLocal) {
    fetch_into_layer(std::move(paths), done);
    return;
  }
  auto wanted = found.kind == Found::Kind::kRemote ? order(path, found.remote, *found.from)
                                                   : std::optional<FetchOrder>();
  if (!wanted) throw_errno(ESTALE, "fetch");  // it has just come or gone; the kernel looks again
  fetcher_.fetch(std::move(*wanted), Urgency::kDemand,
                 [this, path, paths, done](const auto& /*file*/, const std::exception_ptr& error) {
                   try {
                     if (error) std::rethrow_exception(error);
                     placer_.give_name(path);
                     fetch_into_layer(paths, done);
                   } catch (...) {
                     done(std::current_exception());
                   }
                 });
}

// The first open inside a module starts the other files that a hit reads. Nobody waits for them, so
// what goes wrong is met by who opens them.
void CacheFs::fetch_bundle(const std::string& path) try {
  const auto at = locate(path);
  if (at.place != Place::kInsideModule) return;
  const auto [listing, from] = names_.remote_module(at.module);
  if (!listing) return;
  for (const auto& inside : listing->plan.hit_files) {
    const auto other = join_path(at.module, inside);
    if (other == path || layer_.stat(other) || placer_.staged(other)) continue;
    if (auto wanted = order(other, listing->names.at(inside), *from))
      fetcher_.fetch(std::move(*wanted), Urgency::kAhead, [](const auto&, const auto&) {});
  }
} catch (const std::exception& error) {
  spdlog::debug("{}: nothing is fetched ahead: {}", path, error.what());
}

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
  return created;
}

void CacheFs::fsync(HandleId handle, bool data_only) {
  const auto use = files_.use(handle);
  if ((data_only ? ::fdatasync(use.fd()) : ::fsync(use.fd())) != 0) throw_errno("fsync");
  try {
    index_.sync();
  } catch (const index::IndexError& error) {
    spdlog::warn("a power cut may make a synced file one of unknown origin: {}", error.what());
  }
}

// An open file's mapping keeps its handle: there is no store without one.
bool CacheFs::is_written(const std::string& path) const {
  const auto node = nodes_.find(path);
  return node != 0 && files_.is_written(node);
}

void CacheFs::release(HandleId handle) {
  const auto closed = files_.release(handle);
  if (!closed.could_write) return;
  // Stores through a mapping change a file without a request.
  if (closed.was_changed && kernel_ != nullptr) kernel_->forget_attributes(closed.node);
  if (const auto path = name_of(closed.node)) tell_changed(*path);
}

}  // namespace neffs::fs
