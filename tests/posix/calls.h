// The calls of the system as steps. Each is named as the system names it, and takes names where the
// system takes paths; what it needs beyond that is fixed here, so that a case is short.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <string>

#include "tests/posix/step.h"

namespace neffs::test::posix {

// --- by name: one call each; what open gives is closed at once ---
Step open(const std::string& name, int flags, unsigned mode = 0666);
Step creat(const std::string& name, unsigned mode = 0666);
Step mkdir(const std::string& name, unsigned mode = 0755);
Step rmdir(const std::string& name);
Step unlink(const std::string& name);
Step rename(const std::string& from, const std::string& to);
Step renameat2(const std::string& from, const std::string& to, unsigned flags);
Step link(const std::string& from, const std::string& to);
Step symlink(const std::string& target, const std::string& name);
Step readlink(const std::string& name);
Step mknod(const std::string& name, unsigned mode, dev_t device = 0);
Step bind(const std::string& name);  // makes a socket
Step chmod(const std::string& name, unsigned mode);
Step chown(const std::string& name, long uid, long gid);  // -1 leaves it
Step lchown(const std::string& name, long uid, long gid);
Step stat(const std::string& name);
Step lstat(const std::string& name);
Step statfs(const std::string& name);
Step access(const std::string& name, int rights);
Step truncate(const std::string& name, long size);
Step opendir(const std::string& name);
Step chdir(const std::string& name);  // for the rest of the case, or of its child
Step execve(const std::string& name);

inline constexpr long kNow = -1;
inline constexpr long kOmit = -2;
inline timespec time_of(long seconds) {
  if (seconds == kNow) return {0, UTIME_NOW};
  if (seconds == kOmit) return {0, UTIME_OMIT};
  return {seconds, 0};
}
// In seconds, or kNow, kOmit; `flags` AT_SYMLINK_NOFOLLOW or 0.
Step utimens(const std::string& name, long atime, long mtime, int flags = 0);
// Sets mtime to a second and this many nanoseconds.
Step utimens_ns(const std::string& name, long nanoseconds);

Step setxattr(const std::string& name, const std::string& attribute, const std::string& value,
              int flags = 0);
Step lsetxattr(const std::string& name, const std::string& attribute, const std::string& value);
Step getxattr(const std::string& name, const std::string& attribute);
Step lgetxattr(const std::string& name, const std::string& attribute);
Step listxattr(const std::string& name);
// With so small a buffer.
Step getxattr_into(const std::string& name, const std::string& attribute, std::size_t size);
Step listxattr_into(const std::string& name, std::size_t size);
Step removexattr(const std::string& name, const std::string& attribute);

// --- more than one call ---
Step file(const std::string& name, const std::string& content = "", unsigned mode = 0644);
Step directory(const std::string& name, unsigned mode = 0755);  // whatever the umask
Step fifo(const std::string& name, unsigned mode = 0644);
Step owned_by(const User& user, const std::string& name);  // lchown
// Appends; the file must be there.
Step append(const std::string& name, const std::string& text);
// Overwrites from the beginning; the file must be there.
Step overwrite(const std::string& name, const std::string& text);

// --- by an open file, which the case gives a name ---
Step hold(const std::string& handle, const std::string& name, int flags, unsigned mode = 0666);
// The same file again, through its descriptor.
Step reopen(const std::string& handle, const std::string& open_handle, int flags);
Step close(const std::string& handle);
Step read(const std::string& handle);
Step write(const std::string& handle, const std::string& text);
Step pwrite(const std::string& handle, const std::string& text, long offset);
Step lseek(const std::string& handle, long offset, int whence);
Step ftruncate(const std::string& handle, long size);
Step fallocate(const std::string& handle, int mode, long offset, long size);
Step copy_file_range(const std::string& from, const std::string& to, std::size_t size);
Step fsync(const std::string& handle);
Step fdatasync(const std::string& handle);
Step fchmod(const std::string& handle, unsigned mode);
Step fchown(const std::string& handle, long uid, long gid);
Step futimens(const std::string& handle, long atime, long mtime);
Step fsetxattr(const std::string& handle, const std::string& attribute, const std::string& value);
Step linkat_of(const std::string& handle, const std::string& name);  // AT_EMPTY_PATH

// --- locks ---
Step flock(const std::string& handle, int operation);  // never waits
// F_RDLCK, F_WRLCK or F_UNLCK, of the process or of the open file; never waits.
Step setlk(const std::string& handle, int type, long start = 0, long size = 0);
Step ofd_setlk(const std::string& handle, int type, long start = 0, long size = 0);

// --- the one mapping of the case ---
Step mmap(const std::string& handle, std::size_t size, int protection, int flags);
Step store(std::size_t offset, const std::string& text);
Step msync();
Step munmap();

// Runs a copy of `cat` under this name until the case is over.
Step running(const std::string& name);

}  // namespace neffs::test::posix
