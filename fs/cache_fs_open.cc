// Opening: from the layer at once, from the source when it has been fetched.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "fs/cache_fs.h"
#include "fs/last_use.h"
#include "fs/open_fd.h"

namespace neffs::fs {
namespace {

std::exception_ptr interrupted() {
  return std::make_exception_ptr(std::system_error(EINTR, std::generic_category(), "open"));
}

}  // namespace

void CacheFs::open(NodeId node, int flags, const Caller& caller, const ReplyPtr<Opened>& reply) {
  try {
    if (is_use_of_interest())
      if (const auto path = name_of(node)) tell_used(*path);
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

bool CacheFs::is_use_of_interest() const {
  return std::any_of(users_.begin(), users_.end(),
                     [](const UseListener* user) { return user->listens(); });
}

// Who only takes a lock, or notes an input, has not got the module yet; nor has who failed to make it.
void CacheFs::tell_used(const std::string& path) const {
  const auto at = locate(path);
  if (at.module.empty() || is_lock(path) || is_input(at.inside)) return;
  const std::string module(at.module);
  for (auto* user : users_)
    if (user->listens()) user->used(module);
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
