#include "fs/layer.h"

#include <dirent.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <climits>
#include <memory>
#include <system_error>

namespace neffs::fs {
namespace {

constexpr int kDirectory = O_PATH | O_DIRECTORY | O_CLOEXEC;

int open_piece(int root, const char* path, int flags, mode_t mode) {
  struct open_how how {};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = (flags & O_CREAT) != 0 ? mode & 07777 : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  int fd = -1;
  do {  // EAGAIN: a rename raced with the walk
    fd = static_cast<int>(::syscall(SYS_openat2, root, path, &how, sizeof how));
  } while (fd < 0 && (errno == EAGAIN || errno == EINTR));
  return fd;
}

// The kernel takes less than PATH_MAX bytes at once; what is below that is reached piece by piece.
int open_beneath(int root, std::string_view path, int flags, mode_t mode) {
  UniqueFd above;
  while (path.size() >= PATH_MAX) {
    const auto slash = path.rfind('/', PATH_MAX - 1);
    above.reset(open_piece(above ? above.get() : root, std::string(path.substr(0, slash)).c_str(),
                           kDirectory, 0));
    if (!above) return -1;
    path.remove_prefix(slash + 1);
  }
  return open_piece(above ? above.get() : root, path.empty() ? "." : std::string(path).c_str(),
                    flags, mode);
}

bool means_absent(int error) {
  return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

// Calls `each` with the directory and every name in it but "." and "..".
template <typename Each>
void for_each_entry(UniqueFd fd, const Each& each) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(fd.get()), ::closedir);
  if (!dir) throw_errno("opendir");
  fd.release();  // closedir closes it
  errno = 0;
  while (const auto* entry = ::readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") each(::dirfd(dir.get()), *entry);
    errno = 0;
  }
  if (errno != 0) throw_errno("readdir");
}

}  // namespace

void throw_errno(int error, const char* what) {
  throw std::system_error(error, std::generic_category(), what);
}

void throw_errno(const char* what) {
  throw_errno(errno, what);
}

struct stat stat_of(int fd) {
  struct stat st {};
  if (::fstat(fd, &st) != 0) throw_errno("stat");
  return st;
}

std::string_view parent_path(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

std::string_view base_name(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool is_at_or_below(std::string_view path, std::string_view directory) {
  if (directory.empty() || path == directory) return true;
  return path.size() > directory.size() && path.starts_with(directory) &&
         path[directory.size()] == '/';
}

std::string join_path(std::string_view directory, std::string_view name) {
  std::string path;
  path.reserve(directory.size() + name.size() + 1);
  path.append(directory);
  if (!directory.empty() && !name.empty()) path.push_back('/');
  return path.append(name);
}

std::optional<struct stat> Layer::stat(const std::string& path) const {
  const UniqueFd fd(open_beneath(root_.get(), path, O_PATH | O_NOFOLLOW, 0));
  if (!fd) {
    if (means_absent(errno)) return std::nullopt;
    throw_errno("stat");
  }
  return stat_of(fd.get());
}

UniqueFd Layer::open(const std::string& path, int flags, mode_t mode) const {
  UniqueFd fd(open_beneath(root_.get(), path, flags | O_NOFOLLOW, mode));
  if (!fd) throw_errno("open");
  return fd;
}

UniqueFd Layer::open_to_look(const std::string& path) const {
  constexpr int kFlags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW;
  UniqueFd fd(open_beneath(root_.get(), path, kFlags | O_NOATIME, 0));
  if (!fd && errno == EPERM) return open(path, kFlags);
  if (!fd) throw_errno("open");
  return fd;
}

Layer::Parent Layer::parent_of(const std::string& path) const {
  UniqueFd fd(open_beneath(root_.get(), parent_path(path), kDirectory, 0));
  if (!fd) throw_errno("open parent");
  return {std::move(fd), std::string(base_name(path))};
}

std::vector<DirEntry> Layer::list(const std::string& path) const {
  std::vector<DirEntry> entries;
  for_each_entry(open(path, O_RDONLY | O_DIRECTORY), [&](int, const struct dirent& entry) {
    entries.push_back({entry.d_name, entry.d_ino, entry.d_type});
  });
  return entries;
}

std::vector<Layer::NameAndStat> Layer::list_stats(const std::string& path) const {
  std::vector<NameAndStat> entries;
  for_each_entry(open(path, O_RDONLY | O_DIRECTORY), [&](int fd, const struct dirent& entry) {
    struct stat st {};
    if (::fstatat(fd, entry.d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
      entries.push_back({entry.d_name, st});
    else if (!means_absent(errno))
      throw_errno("stat");
  });
  return entries;
}

std::vector<DirEntry> Layer::list_if_there(const std::string& path) const try {
  return list(path);
} catch (const std::system_error&) {
  return {};
}

std::string Layer::read_link(const std::string& path) const {
  const UniqueFd fd = open(path, O_PATH);
  std::array<char, PATH_MAX> target{};
  const auto size = ::readlinkat(fd.get(), "", target.data(), target.size());
  if (size < 0) throw_errno(errno == ENOENT ? EINVAL : errno, "readlink");
  return {target.data(), static_cast<std::size_t>(size)};
}

struct statvfs Layer::statvfs() const {
  struct statvfs result {};
  if (::fstatvfs(root_.get(), &result) != 0) throw_errno("statvfs");
  return result;
}

void Layer::make_directories(const std::string& path, mode_t mode, uid_t uid, gid_t gid) const {
  if (path.empty() || stat(path)) return;
  make_directories(std::string(parent_path(path)), mode, uid, gid);
  const auto parent = parent_of(path);
  // With its mode from the start: whoever looks it up right now keeps what he sees.
  if (::mkdirat(parent.fd.get(), parent.name.c_str(), mode) != 0) {
    if (errno == EEXIST) return;
    throw_errno("mkdir");
  }
  const UniqueFd made = open(path, O_RDONLY | O_DIRECTORY);
  if (::fchown(made.get(), uid, gid) != 0) throw_errno("chown");
  if (::fchmod(made.get(), mode) != 0) throw_errno("chmod");
}

}  // namespace neffs::fs
