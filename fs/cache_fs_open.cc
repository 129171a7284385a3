// Opening: from the layer at once, from the source when it has been fetched.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "fs/cache_fs.h"

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
  UniqueFd again(::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), flags | O_CLOEXEC));
  if (!again) throw_errno("open");
  return again;
}

// What a handle of ours may do; O_CREAT and its kin have been dealt with by the kernel.
int handle_flags(int flags) {
  return flags & (O_ACCMODE | O_APPEND | O_TRUNC | O_DSYNC | O_SYNC);
}

std::exception_ptr interrupted() {
  return std::make_exception_ptr(std::system_error(EINTR, std::generic_category(), "open"));
}

}  // namespace

void CacheFs::open(NodeId node, int flags, const Caller& caller, ReplyPtr<Opened> reply) {
  try {
    if (!writes(flags)) {
      if (const auto opened = files_.open_again(node)) {
        ++counters_.local_opens;
        reply->ok(*opened);
        return;
      }
    } else if (const auto use = files_.use_node(node); use && (flags & O_TRUNC) == 0) {
      // The name may be gone, and a copy that is open for reading is about to become ours.
      written(nodes_.path(node));
      reply->ok(files_.open(node, duplicate(use->fd()), reopen(use->fd(), handle_flags(flags))));
      return;
    }
    const auto path = nodes_.path(node);
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
  if (const auto file = fetcher_.staged(path); file && !writes(flags))
    return attach(node, path, duplicate(file->fd.get()), flags);
  const auto st = layer_.stat(path);
  if (!st) return std::nullopt;
  Names::CopyCheck check;
  if (S_ISREG(st->st_mode) && !is_lock(path) && (flags & O_TRUNC) == 0)
    check = names_.check_copy(path, *st);
  if (check.verdict == Names::Copy::kDamaged) return std::nullopt;
  if (!writes(flags))
    return files_.open(node, layer_.open(path, O_RDONLY), UniqueFd(), check.promise);
  auto own = layer_.open(path, handle_flags(flags));
  written(path);
  return files_.open(node, reopen(own.get(), O_RDONLY), std::move(own));
}

Opened CacheFs::attach(NodeId node, const std::string& path, UniqueFd shared, int flags) {
  if (!writes(flags)) return files_.open(node, std::move(shared), UniqueFd());
  auto own = layer_.open(path, handle_flags(flags));
  written(path);
  return files_.open(node, std::move(shared), std::move(own));
}

void CacheFs::open_remote(NodeId node, const std::string& path, int flags, const Caller& caller,
                          const ReplyPtr<Opened>& reply) {
  const auto give_up = [this, reply](GiveUp) {
    ++counters_.errors;
    reply->failed(interrupted());
  };
  const auto found = names_.find(path);
  if (found.kind == Found::Kind::kUnknown) {
    park(reply, std::nullopt, caller, give_up, [&](WaitId id) {
      view_.ask(path, [this, node, path, flags, reply, id](const std::exception_ptr& error) {
        const auto now = view_.peek(path);
        if (now && now->kind == RemoteName::Kind::kFile) {
          fetch(node, path, *now, flags, id, reply);
        } else if (waits_.settle(id)) {
          ++counters_.errors;
          reply->failed(error ? error
                              : std::make_exception_ptr(
                                    std::system_error(ENOENT, std::generic_category(), "open")));
        }
      });
    });
    return;
  }
  if (found.kind != Found::Kind::kRemote) throw_errno(ENOENT, "open");
  if (found.remote.kind != RemoteName::Kind::kFile) throw_errno(EISDIR, "open");
  if ((flags & O_TRUNC) != 0) {  // nothing of the remote bytes is wanted
    make_parent(path);
    auto own = layer_.open(path, handle_flags(flags) | O_CREAT, options_.names.file_mode);
    written(path);
    reply->ok(files_.open(node, reopen(own.get(), O_RDONLY), std::move(own)));
    return;
  }
  park(reply, std::nullopt, caller, give_up,
       [&](WaitId id) { fetch(node, path, found.remote, flags, id, reply); });
}

std::optional<FetchOrder> CacheFs::order(const std::string& path, const RemoteName& remote) {
  FetchOrder order;
  order.path = path;
  order.size = remote.size;
  order.content = remote.content;
  order.commit = view_.commit();
  order.mtime_s = view_.commit_time_s();
  const auto at = locate(path);
  if (at.place == Place::kInsideModule) {
    order.module = std::string(at.module);
    order.listing = view_.peek_module(at.module);
    if (!order.listing) return std::nullopt;
  }
  return order;
}

void CacheFs::fetch(NodeId node, const std::string& path, const RemoteName& remote, int flags,
                    WaitId wait, const ReplyPtr<Opened>& reply) {
  auto wanted = order(path, remote);
  if (!wanted) {
    if (waits_.settle(wait))
      reply->failed(
          std::make_exception_ptr(std::system_error(ESTALE, std::generic_category(), "open")));
    return;
  }
  fetcher_.fetch(std::move(*wanted), Urgency::kDemand,
                 [this, node, path, flags, wait, reply](const auto& file, const auto& error) {
                   if (!waits_.settle(wait)) return;
                   try {
                     if (error) std::rethrow_exception(error);
                     reply->ok(attach(node, path, duplicate(file->fd.get()), flags));
                   } catch (...) {
                     ++counters_.errors;
                     reply->failed(std::current_exception());
                   }
                 });
  fetch_bundle(path);
}

// The first open inside a module starts the other files that a hit reads.
void CacheFs::fetch_bundle(const std::string& path) {
  const auto at = locate(path);
  if (at.place != Place::kInsideModule) return;
  const auto listing = view_.peek_module(at.module);
  if (!listing) return;
  for (const auto& inside : listing->plan.hit_files) {
    const auto other = join_path(at.module, inside);
    if (other == path || layer_.stat(other) || fetcher_.staged(other)) continue;
    if (auto wanted = order(other, listing->names.at(inside)))
      fetcher_.fetch(std::move(*wanted), Urgency::kAhead, [](const auto&, const auto&) {});
  }
}

// What is written through the mount is ours, from before its first byte on.
void CacheFs::written(const std::string& path) {
  names_.touch(path);
  if (!is_lock(path)) index_.mark_ours(path);
}

Created CacheFs::create(NodeId parent, const std::string& name, int flags, mode_t mode,
                        const Caller& caller) {
  const auto path = nodes_.child_path(parent, name);
  check_may_change(path);
  make_parent(path);
  const auto directory = layer_.parent_of(path);
  const bool is_new = !layer_.stat(path).has_value();
  auto own = layer_.open(path, handle_flags(flags) | O_CREAT | (flags & O_EXCL), mode);
  if (is_new) give_to_caller(directory, caller);
  written(path);
  Created created;
  created.entry = local_entry(parent, name, path);
  UniqueFd shared;
  try {
    shared = reopen(own.get(), O_RDONLY);
  } catch (const std::system_error&) {
    shared = duplicate(own.get());  // a mode without the right to read, in a user's own mount
  }
  created.opened = files_.open(created.entry.node, std::move(shared), std::move(own));
  return created;
}

}  // namespace neffs::fs
