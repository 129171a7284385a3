// The directory that holds the local bytes, reached through a descriptor that was opened before the
// mount covered it. Every path is relative to it, and no symlink is ever followed on the way: what
// a hostile repo or a local user puts there cannot lead outside.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fs/unique_fd.h"

namespace neffs::fs {

struct DirEntry {
  std::string name;
  ino_t ino = 0;
  unsigned char type = 0;  // DT_*
};

// Identity of a file on the layer's disk.
struct LayerId {
  dev_t dev = 0;
  ino_t ino = 0;
  friend bool operator==(const LayerId&, const LayerId&) = default;
};
inline LayerId layer_id(const struct stat& st) {
  return {st.st_dev, st.st_ino};
}

inline std::int64_t mtime_ns(const struct stat& st) {
  return st.st_mtim.tv_sec * std::int64_t{1'000'000'000} + st.st_mtim.tv_nsec;
}

// Throws std::system_error with the errno of the call that failed. Safe for any thread; a plain
// wrapper of system calls without state.
class Layer {
 public:
  // root: an open directory
  explicit Layer(UniqueFd root) : root_(std::move(root)) {}

  int root_fd() const { return root_.get(); }

  // lstat; nullopt if there is no such name (ENOENT, ENOTDIR, or a symlink on the way).
  std::optional<struct stat> stat(const std::string& path) const;
  // openat2 beneath the root, O_CLOEXEC added. mode: for O_CREAT, under the thread's umask.
  UniqueFd open(const std::string& path, int flags, mode_t mode = 0) const;
  // For reading by neffs itself, which is no use of the file: its access time stays, where the kernel lets
  // this user keep it. Never waits for a pipe.
  UniqueFd open_to_look(const std::string& path) const;
  // A descriptor of the directory that holds `path`, and the last component.
  struct Parent {
    UniqueFd fd;
    std::string name;
  };
  Parent parent_of(const std::string& path) const;
  // "." and ".." left out.
  std::vector<DirEntry> list(const std::string& path) const;
  // The same; empty for what cannot be listed: names vanish while they are looked at.
  std::vector<DirEntry> list_if_there(const std::string& path) const;
  // lstat of each of them, which is less work than one by one; names that vanish meanwhile are left out.
  struct NameAndStat {
    std::string name;
    struct stat st {};
  };
  std::vector<NameAndStat> list_stats(const std::string& path) const;
  std::string read_link(const std::string& path) const;
  struct statvfs statvfs() const;

  // Makes the directory and those above it that are missing, with this mode and owner whatever the
  // umask says; what is there already is left alone.
  void make_directories(const std::string& path, mode_t mode, uid_t uid, gid_t gid) const;

 private:
  UniqueFd root_;
};

[[noreturn]] void throw_errno(int error, const char* what);
[[noreturn]] void throw_errno(const char* what);  // of errno

// Throws std::system_error.
struct stat stat_of(int fd);

// "a/b" → "a", "a" → "".
std::string_view parent_path(std::string_view path);
std::string_view base_name(std::string_view path);
// "" is above everything.
bool is_at_or_below(std::string_view path, std::string_view directory);
std::string join_path(std::string_view directory, std::string_view name);

}  // namespace neffs::fs
