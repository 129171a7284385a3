// Listings: what they show is settled in opendir, which is where they may wait.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "fs/cache_fs.h"

namespace neffs::fs {

// Directly inside a compiler folder only what is here is listed, unless all is wanted.
bool CacheFs::lists_remote(const std::string& path) const {
  return options_.list == ListPolicy::kAll || locate(path).place != Place::kVersion;
}

void CacheFs::opendir(NodeId node, const Caller& caller, const ReplyPtr<HandleId>& reply) {
  try {
    if (nodes_.kept(node)) {  // removed, and still somebody's current directory
      reply->ok(directories_.add(node, {}));
      return;
    }
    const auto path = nodes_.path(node);
    const bool want_remote = lists_remote(path);
    auto children = names_.children(path, want_remote);
    const auto ignore = [](const std::exception_ptr&) {};
    if (!children && !view_.is_worth_waiting()) {
      view_.ask_children(path, true, ignore);
      children = names_.children(path, false);
    }
    if (children) {
      reply->ok(directories_.add(node, std::move(*children)));
      return;
    }
    const auto give_up = [reply](GiveUp) {
      reply->failed(
          std::make_exception_ptr(std::system_error(EINTR, std::generic_category(), "opendir")));
    };
    park(reply, std::nullopt, caller, give_up, [&](WaitId id) {
      view_.ask_children(path, true, [this, node, path, reply, id](const std::exception_ptr&) {
        if (!waits_.settle(id)) return;
        try {
          auto now = names_.children(path, true);
          if (!now) now = names_.children(path, false);  // the Hub failed: as the plain directory
          reply->ok(directories_.add(node, std::move(*now)));
        } catch (...) {
          reply->failed(std::current_exception());
        }
      });
    });
  } catch (...) {
    reply->failed(std::current_exception());
  }
}

const Names::Child* CacheFs::readdir(HandleId handle, std::uint64_t offset) {
  const auto directory = directories_.get(handle);
  if (!directory) throw_errno(EBADF, "readdir");
  if (offset == 0) {
    if (directory->was_read && !nodes_.kept(directory->node)) {  // rewinddir() shows changes
      const auto path = nodes_.path(directory->node);
      auto now = names_.children(path, lists_remote(path));
      if (now) directory->children = std::move(*now);
    }
    directory->was_read = true;
  }
  return offset < directory->children.size() ? &directory->children[offset] : nullptr;
}

Entry CacheFs::readdir_entry(NodeId directory, const Names::Child& child) {
  const auto path = nodes_.child_path(directory, child.name);
  const auto found = names_.find(path);
  if (found.kind == Found::Kind::kAbsent || found.kind == Found::Kind::kUnknown) return {};
  return entry_of(directory, child.name, path, found);
}

void CacheFs::fsyncdir(NodeId node) {
  if (nodes_.kept(node)) return;
  const auto path = nodes_.path(node);
  if (!layer_.stat(path)) return;
  const auto fd = layer_.open(path, O_RDONLY | O_DIRECTORY);
  if (::fsync(fd.get()) != 0) throw_errno("fsync");
  index_.sync();
}

}  // namespace neffs::fs
