// Changes of names and attributes. They happen in the layer; what only a source has stays as it is.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include <spdlog/spdlog.h>

#include <spdlog/spdlog.h>

#include "fs/cache_fs.h"

namespace neffs::fs {
namespace {

std::string proc_path(const UniqueFd& fd) {
  return "/proc/self/fd/" + std::to_string(fd.get());
}

}  // namespace

void CacheFs::check_may_change(const std::string& path) const {
  if (locate(path).place == Place::kTopLevel && is_reserved_root_name(path))
    throw_errno(EPERM, "reserved name");
}

// A directory that only the source has gets its twin here, silently, when something is made in it.
void CacheFs::make_parent(const std::string& path) {
  layer_.make_directories(std::string(parent_path(path)), options_.names.directory_mode,
                          options_.names.uid, options_.names.gid);
}

// As the disk does it: the caller owns what he makes, and its group is his unless the folder says
// otherwise. An ordinary user's mount cannot give files away, and need not.
void CacheFs::give_to_caller(const Layer::Parent& parent, const Caller& caller) {
  if (::geteuid() != 0) return;
  struct stat st {};
  if (::fstat(parent.fd.get(), &st) != 0) throw_errno("stat");
  const gid_t gid = (st.st_mode & S_ISGID) != 0 ? static_cast<gid_t>(-1) : caller.gid;
  if (::fchownat(parent.fd.get(), parent.name.c_str(), caller.uid, gid, AT_SYMLINK_NOFOLLOW) != 0)
    throw_errno("chown");
}

Entry CacheFs::local_entry(NodeId parent, const std::string& name, const std::string& path) {
  Found found;
  const auto st = layer_.stat(path);
  if (!st) throw_errno(ENOENT, "stat");
  found.kind = Found::Kind::kLocal;
  found.st = *st;
  return entry_of(parent, name, path, found);
}

Entry CacheFs::mkdir(NodeId parent, const std::string& name, mode_t mode, const Caller& caller) {
  const auto path = nodes_.child_path(parent, name);
  check_may_change(path);
  if (names_.find(path).kind == Found::Kind::kRemote) throw_errno(EEXIST, "mkdir");
  make_parent(path);
  const auto directory = layer_.parent_of(path);
  if (::mkdirat(directory.fd.get(), directory.name.c_str(), mode & 07777) != 0)
    throw_errno("mkdir");
  give_to_caller(directory, caller);
  names_.touch(path);
  return local_entry(parent, name, path);
}

Entry CacheFs::symlink(const std::string& target, NodeId parent, const std::string& name,
                       const Caller& caller) {
  const auto path = nodes_.child_path(parent, name);
  check_may_change(path);
  make_parent(path);
  const auto directory = layer_.parent_of(path);
  if (::symlinkat(target.c_str(), directory.fd.get(), directory.name.c_str()) != 0)
    throw_errno("symlink");
  give_to_caller(directory, caller);
  names_.touch(path);
  return local_entry(parent, name, path);
}

Entry CacheFs::link(NodeId node, NodeId parent, const std::string& name) {
  const auto old_path = nodes_.path(node);
  const auto path = nodes_.child_path(parent, name);
  check_may_change(path);
  const auto record = index_.layer_file(old_path);
  if (!layer_.stat(old_path) || (record && record->origin == index::Origin::kCopy))
    throw_errno(EPERM, "link");
  make_parent(path);
  const auto from = layer_.parent_of(old_path);
  const auto to = layer_.parent_of(path);
  if (::linkat(from.fd.get(), from.name.c_str(), to.fd.get(), to.name.c_str(), 0) != 0)
    throw_errno("link");
  names_.touch(path);
  index_.mark_ours(path);
  return local_entry(parent, name, path);
}

void CacheFs::unlink(NodeId parent, const std::string& name) {
  const auto path = nodes_.child_path(parent, name);
  check_may_change(path);
  const auto record = index_.layer_file(path);
  if (!layer_.stat(path) || (record && record->origin == index::Origin::kCopy))
    throw_errno(EPERM, "unlink");
  const auto directory = layer_.parent_of(path);
  if (::unlinkat(directory.fd.get(), directory.name.c_str(), 0) != 0) throw_errno("unlink");
  names_.touch(path);
  files_.let_go(nodes_.remove(parent, name));
  if (record) forget_deleted(path);
}

// On a full disk deleting has to work first of all. A record without a file is dropped when the
// name is wanted again.
void CacheFs::forget_deleted(const std::string& path) {
  try {
    index_.forget_file(path);
  } catch (const index::IndexError& error) {
    spdlog::warn("{} was deleted, and its record was not: {}", path, error.what());
  }
}

void CacheFs::rmdir(NodeId parent, const std::string& name) {
  const auto path = nodes_.child_path(parent, name);
  check_may_change(path);
  const auto remote = view_.peek(path);
  if (remote && remote->kind == RemoteName::Kind::kDirectory) throw_errno(ENOTEMPTY, "rmdir");
  const auto directory = layer_.parent_of(path);
  if (::unlinkat(directory.fd.get(), directory.name.c_str(), AT_REMOVEDIR) != 0)
    throw_errno("rmdir");
  names_.touch(path);
  nodes_.remove(parent, name);
}

bool CacheFs::has_copies_at(const std::string& path) {
  const auto records = index_.layer_files_below(path);
  return std::any_of(records.begin(), records.end(),
                     [](const auto& file) { return file.origin == index::Origin::kCopy; });
}

void CacheFs::rename(NodeId from, const std::string& old_name, NodeId to,
                     const std::string& new_name, unsigned flags) {
  const auto old_path = nodes_.child_path(from, old_name);
  const auto new_path = nodes_.child_path(to, new_name);
  check_may_change(old_path);
  check_may_change(new_path);
  if ((flags & ~unsigned{RENAME_NOREPLACE | RENAME_EXCHANGE}) != 0) throw_errno(EINVAL, "rename");
  const auto st = layer_.stat(old_path);
  const bool has_copies = has_copies_at(old_path);
  const auto remote = view_.peek(old_path);
  const bool is_remote_directory = remote && remote->kind == RemoteName::Kind::kDirectory;
  if (is_remote_directory || (has_copies && st && S_ISDIR(st->st_mode)))
    throw_errno(EXDEV, "rename");
  if (!st || has_copies) throw_errno(EPERM, "rename");
  if ((flags & RENAME_EXCHANGE) != 0 && has_copies_at(new_path)) throw_errno(EPERM, "rename");
  // A crash right after the rename must not leave a copy's record on a file that is none.
  if (has_copies_at(new_path)) index_.mark_ours(new_path);
  make_parent(new_path);
  const auto source = layer_.parent_of(old_path);
  const auto target = layer_.parent_of(new_path);
  if (::renameat2(source.fd.get(), source.name.c_str(), target.fd.get(), target.name.c_str(),
                  flags) != 0)
    throw_errno("rename");
  names_.touch(old_path);
  names_.touch(new_path);
  if ((flags & RENAME_EXCHANGE) != 0) {
    const auto aside = join_path(kPrivateName, "exchanged");
    index_.move_files(old_path, aside);
    index_.move_files(new_path, old_path);
    index_.move_files(aside, new_path);
    nodes_.exchange(from, old_name, to, new_name);
    return;
  }
  index_.move_files(old_path, new_path);
  files_.let_go(nodes_.rename(from, old_name, to, new_name));
}

std::string CacheFs::readlink(NodeId node) {
  return layer_.read_link(nodes_.path(node));
}

UniqueFd CacheFs::open_for_xattr(NodeId node) {
  const auto path = nodes_.path(node);
  const auto st = layer_.stat(path);
  if (!st) throw_errno(ENODATA, "xattr");
  if (S_ISLNK(st->st_mode)) throw_errno(ENOTSUP, "xattr");
  return layer_.open(path, O_PATH);
}

struct stat CacheFs::setattr(NodeId node, std::optional<HandleId> handle, unsigned changes,
                             const struct stat& wanted) {
  std::optional<OpenFiles::Use> open;
  if (handle) open = files_.use(*handle);
  if (!open) open = files_.use_node(node);
  UniqueFd fd;
  const auto path = name_of(node).value_or("");
  if (open) {
    fd = UniqueFd(
        ::open(("/proc/self/fd/" + std::to_string(open->fd())).c_str(), O_PATH | O_CLOEXEC));
    if (!fd) throw_errno("open");
  } else {
    if (path.empty() && node != kRootNode) throw_errno(ENOENT, "setattr");
    if (const auto found = names_.find(path);
        found.kind == Found::Kind::kRemote && S_ISDIR(found.st.st_mode))
      layer_.make_directories(path, options_.names.directory_mode, options_.names.uid,
                              options_.names.gid);
    if (!layer_.stat(path)) throw_errno(EPERM, "setattr");
    fd = layer_.open(path, O_PATH);
  }
  if ((changes & (kUid | kGid)) != 0 &&
      ::fchownat(fd.get(), "", (changes & kUid) != 0 ? wanted.st_uid : static_cast<uid_t>(-1),
                 (changes & kGid) != 0 ? wanted.st_gid : static_cast<gid_t>(-1),
                 AT_EMPTY_PATH) != 0)
    throw_errno("chown");
  if ((changes & kMode) != 0 && ::chmod(proc_path(fd).c_str(), wanted.st_mode & 07777) != 0)
    throw_errno("chmod");
  if ((changes & kSize) != 0) {
    if (fetcher_.staged(path)) fetcher_.give_name(path);
    if (!path.empty()) claim(path, fd.get());
    if (::truncate(proc_path(fd).c_str(), wanted.st_size) != 0) throw_errno("truncate");
  }
  if ((changes & (kAtime | kMtime)) != 0) {
    const timespec omit{0, UTIME_OMIT};
    const std::array<timespec, 2> times{(changes & kAtime) != 0 ? wanted.st_atim : omit,
                                        (changes & kMtime) != 0 ? wanted.st_mtim : omit};
    if (::utimensat(AT_FDCWD, proc_path(fd).c_str(), times.data(), 0) != 0) throw_errno("utimens");
  }
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) throw_errno("stat");
  if ((changes & kMtime) != 0 && !path.empty())
    index_.place_copy(path, static_cast<std::uint64_t>(st.st_size),
                      st.st_mtim.tv_sec * std::int64_t{1'000'000'000} + st.st_mtim.tv_nsec);
  if (const auto ino = nodes_.ino(node); ino != 0) st.st_ino = ino;
  return st;
}

}  // namespace neffs::fs
