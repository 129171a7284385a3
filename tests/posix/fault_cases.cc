// EFAULT: a path that is not in memory.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <functional>

#include "tests/posix/calls.h"
#include "tests/posix/looks.h"
#include "tests/posix/tables.h"

namespace neffs::test::posix {
namespace {

// The C library may look at a path before the system does: so the calls are made by number.
template <typename... Arguments>
Step bare(const std::string& title, long number, Arguments... arguments) {
  return fails(EFAULT, call(title, [=](Place&) { return ::syscall(number, arguments...); }));
}

char* nowhere() {
  return reinterpret_cast<char*>(8);
}

// With an open file and a buffer that is nowhere.
Step bare_held(const std::string& title, long number, const std::string& handle) {
  return fails(EFAULT, call(title, [=](Place& at) {
                 return ::syscall(number, at.fd(handle), nowhere(), 64L);
               }));
}

}  // namespace

Table fault_cases() {
  char* const bad = nowhere();
  const long here = AT_FDCWD;
  return {
      {"opening and making",
       {bare("open", SYS_openat, here, bad, O_RDONLY),
        bare("open to create", SYS_openat, here, bad, O_CREAT | O_WRONLY, 0644),
        bare("mkdir", SYS_mkdirat, here, bad, 0755),
        bare("mknod", SYS_mknodat, here, bad, S_IFIFO | 0644, 0)}},
      {"removing",
       {bare("unlink", SYS_unlinkat, here, bad, 0),
        bare("rmdir", SYS_unlinkat, here, bad, AT_REMOVEDIR)}},
      {"two names, either of which may be bad",
       {file("a"), bare("rename from", SYS_renameat2, here, bad, here, "b", 0),
        bare("rename to", SYS_renameat2, here, "a", here, bad, 0),
        bare("link from", SYS_linkat, here, bad, here, "b", 0),
        bare("link to", SYS_linkat, here, "a", here, bad, 0),
        bare("symlink to", SYS_symlinkat, bad, here, "b"),
        bare("symlink", SYS_symlinkat, "a", here, bad), names(".", {"a"})}},
      {"changing",
       {bare("chmod", SYS_fchmodat, here, bad, 0644),
        bare("chown", SYS_fchownat, here, bad, 0, 0, 0),
        bare("utimensat", SYS_utimensat, here, bad, nullptr, 0),
        bare("truncate", SYS_truncate, bad, 0L),
        bare("setxattr", SYS_setxattr, bad, "user.x", "v", 1L, 0)}},
      {"asking",
       {bare("stat", SYS_newfstatat, here, bad, bad, 0),
        bare("access", SYS_faccessat, here, bad, 0), bare("statfs", SYS_statfs, bad, bad),
        bare("chdir", SYS_chdir, bad), bare("getxattr", SYS_getxattr, bad, "user.x", bad, 0L),
        bare("listxattr", SYS_listxattr, bad, bad, 0L)}},
      {"a buffer that is not in memory",
       {file("a", "text"), symlink("a", "s"), mkdir("d"), setxattr("a", "user.x", "value"),
        hold("h", "a", O_RDWR), bare_held("read", SYS_read, "h"),
        bare_held("write", SYS_write, "h"), bare("readlink", SYS_readlinkat, here, "s", bad, 10L),
        bare("stat", SYS_newfstatat, here, "a", bad, 0),
        bare("getxattr", SYS_getxattr, "a", "user.x", bad, 10L), content("a", "text")}},
      {"a directory read to nowhere",
       {mkdir("d"), file("d/a"), hold("h", "d", O_RDONLY),
        bare_held("getdents", SYS_getdents64, "h"), names("d", {"a"})}},
  };
}

}  // namespace neffs::test::posix
