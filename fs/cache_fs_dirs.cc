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

Names::Remotes CacheFs::remotes_of(const std::string& path) const {
  return lists_remote(path) ? Names::Remotes::kAll : Names::Remotes::kNone;
}

void CacheFs::opendir(NodeId node, const Caller& caller, const ReplyPtr<HandleId>& reply) {
  try {
    if (nodes_.kept(node)) {  // removed, and still somebody's current directory
      reply->ok(directories_.add(node, {}));
      return;
    }
    const auto path = nodes_.path(node);
    if (auto children = names_.children(path, remotes_of(path))) {
      reply->ok(directories_.add(node, std::move(*children)));
      return;
    }
    const auto question = sources_.about_children(path, true, names_.owner_of(path));
    if (!question->is_worth_waiting()) {
      question->start();
      open_listing(node, path, reply);
      return;
    }
    const auto give_up = [reply](GiveUp) {
      reply->failed(
          std::make_exception_ptr(std::system_error(EINTR, std::generic_category(), "opendir")));
    };
    park(reply, std::nullopt, caller, give_up, [&](WaitId id) {
      question->start([this, node, path, reply, id](const std::exception_ptr&) {
        if (!waits_.settle(id)) return;
        try {
          open_listing(node, path, reply);
        } catch (...) {
          reply->failed(std::current_exception());
        }
      });
    });
  } catch (...) {
    reply->failed(std::current_exception());
  }
}

// With what the sources can tell by now; where the Hub has failed, as the plain directory.
void CacheFs::open_listing(NodeId node, const std::string& path, const ReplyPtr<HandleId>& reply) {
  auto children = names_.children(path, Names::Remotes::kKnown);
  reply->ok(directories_.add(node, *std::move(children)));
}

const Names::Child* CacheFs::readdir(HandleId handle, std::uint64_t offset) {
  const auto directory = directories_.get(handle);
  if (!directory) throw_errno(EBADF, "readdir");
  if (offset == 0) {
    if (directory->was_read && !nodes_.kept(directory->node)) {  // rewinddir() shows changes
      const auto path = nodes_.path(directory->node);
      auto now = names_.children(path, remotes_of(path));
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

}  // namespace neffs::fs
