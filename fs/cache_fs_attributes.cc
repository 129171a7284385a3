// Attributes and extended attributes: those of the layer's own files.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "fs/cache_fs.h"

namespace neffs::fs {
namespace {

// A descriptor of the same inode that may be used for nothing but its attributes.
UniqueFd reach(int fd) {
  UniqueFd reached(::open(proc_path(fd).c_str(), O_PATH | O_CLOEXEC));
  if (!reached) throw_errno("open");
  return reached;
}

void change_owner(int fd, unsigned changes, const struct stat& wanted) {
  if ((changes & (CacheFs::kUid | CacheFs::kGid)) == 0) return;
  const uid_t uid = (changes & CacheFs::kUid) != 0 ? wanted.st_uid : static_cast<uid_t>(-1);
  const gid_t gid = (changes & CacheFs::kGid) != 0 ? wanted.st_gid : static_cast<gid_t>(-1);
  if (::fchownat(fd, "", uid, gid, AT_EMPTY_PATH) != 0) throw_errno("chown");
}

void change_times(int fd, unsigned changes, const struct stat& wanted) {
  if ((changes & (CacheFs::kAtime | CacheFs::kMtime)) == 0) return;
  const timespec omit{0, UTIME_OMIT};
  const std::array<timespec, 2> times{(changes & CacheFs::kAtime) != 0 ? wanted.st_atim : omit,
                                      (changes & CacheFs::kMtime) != 0 ? wanted.st_mtim : omit};
  if (::utimensat(AT_FDCWD, proc_path(fd).c_str(), times.data(), 0) != 0) throw_errno("utimens");
}

}  // namespace

std::string CacheFs::readlink(NodeId node) {
  return layer_.read_link(nodes_.path(node));
}

// The path of a file that only the source has, if the node is one.
std::vector<std::string> CacheFs::remote_file(NodeId node, std::optional<HandleId> handle) {
  if (held(node, handle)) return {};
  const auto path = nodes_.path(node);
  const auto found = names_.find(path);
  const bool is_file = found.kind == Found::Kind::kRemote && S_ISREG(found.st.st_mode);
  return is_file ? to_fetch_for(path) : std::vector<std::string>();
}

// A name that makes its module look finished comes after what it promises.
std::vector<std::string> CacheFs::to_fetch_for(const std::string& path) {
  const auto at = locate(path);
  const auto listing = at.module.empty() ? nullptr : names_.remote_module(at.module).listing;
  if (!listing || (at.inside != kDoneMark && !listing->plan.whole)) return {path};
  std::vector<std::string> paths;
  for (const auto& inside : listing->plan.hit_files) {
    const auto other = join_path(at.module, inside);
    if (names_.find(other).kind == Found::Kind::kRemote) paths.push_back(other);
  }
  std::stable_sort(paths.begin(), paths.end(), [](const auto& one, const auto& other) {
    return place_rank(one) < place_rank(other);
  });
  return paths;
}

// As truncation does it, without fetching what nobody wants.
void CacheFs::make_empty(const std::string& path) {
  make_parent(path);
  const auto own = layer_.open(path, O_WRONLY | O_CREAT, options_.names.file_mode);
  struct stat st {};
  if (::fchmod(own.get(), options_.names.file_mode) != 0 || ::fstat(own.get(), &st) != 0)
    throw_errno("truncate");
  nodes_.rebind(path, layer_id(st));
  claim(path, own.get());
}

void CacheFs::setattr(NodeId node, std::optional<HandleId> handle, unsigned changes,
                      const struct stat& wanted, const Caller& caller,
                      const ReplyPtr<Attributes>& reply) {
  try {
    auto missing = changes == 0 ? std::vector<std::string>() : remote_file(node, handle);
    if (!missing.empty() && (changes & kSize) != 0 && wanted.st_size == 0) {
      make_empty(nodes_.path(node));
      missing.clear();
    }
    bring(missing, std::nullopt, caller, reply, [this, node, handle, changes, wanted, reply] {
      reply->ok(change_attributes(node, handle, changes, wanted));
    });
  } catch (...) {
    reply->failed(std::current_exception());
  }
}

// A descriptor of the local file, whose names may be gone if it is open.
UniqueFd CacheFs::open_to_change(NodeId node, std::optional<HandleId> handle,
                                 const std::string& path) {
  if (const auto open = held(node, handle)) return reach(open->fd());
  if (path.empty() && node != kRootNode) throw_errno(ENOENT, "setattr");
  const auto found = names_.find(path);
  if (found.kind == Found::Kind::kRemote && S_ISDIR(found.st.st_mode))
    layer_.make_directories(path, options_.names.directory_mode, options_.names.uid,
                            options_.names.gid);
  auto fd = layer_.open(path, O_PATH);
  check_is(node, fd.get());
  return fd;
}

Attributes CacheFs::change_attributes(NodeId node, std::optional<HandleId> handle, unsigned changes,
                                      const struct stat& wanted) {
  if (changes == 0) return getattr(node, handle);
  const auto path = name_of(node).value_or("");
  const auto fd = open_to_change(node, handle, path);
  change_owner(fd.get(), changes, wanted);
  if ((changes & kMode) != 0 && ::chmod(proc_path(fd.get()).c_str(), wanted.st_mode & 07777) != 0)
    throw_errno("chmod");
  if ((changes & kSize) != 0) {
    if (placer_.staged(path)) placer_.give_name(path);
    if (!path.empty()) claim(path, fd.get());
    if (::truncate(proc_path(fd.get()).c_str(), wanted.st_size) != 0) throw_errno("truncate");
  }
  if ((changes & kMtime) != 0 && is_copy(path))
    names_.change_copy(path, [&] { change_times(fd.get(), changes, wanted); });
  else
    change_times(fd.get(), changes, wanted);
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) throw_errno("stat");
  return attributes(node, st);
}

SharedFd CacheFs::open_for_xattr(NodeId node) {
  if (auto open = held(node, {})) return *std::move(open);
  const auto path = nodes_.path(node);
  if (!layer_.stat(path)) throw_errno(ENODATA, "xattr");
  const auto fd = std::make_shared<const UniqueFd>(layer_.open(path, O_PATH));
  return {fd, fd->get()};
}

void CacheFs::change_xattr(NodeId node, const Caller& caller,
                           const std::function<void(int fd)>& change, const ReplyPtr<Done>& reply) {
  try {
    bring(remote_file(node, {}), std::nullopt, caller, reply, [this, node, change, reply] {
      change(open_to_change(node, {}, name_of(node).value_or("")).get());
      reply->ok({});
    });
  } catch (...) {
    reply->failed(std::current_exception());
  }
}

}  // namespace neffs::fs
