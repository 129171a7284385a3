#include "tests/posix/calls.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

namespace neffs::test::posix {
namespace {

// Long names are all alike.
std::string shown(const std::string& name) {
  return name.size() < 60 ? name : name.substr(0, 20) + "… of " + std::to_string(name.size());
}

// Calls that take one name, and two.
template <typename Work>
Step named(const std::string& verb, const std::string& name, Work work) {
  return call(verb + " " + shown(name),
              [name, work](Place& at) { return work(at.path(name).c_str()); });
}

template <typename Work>
Step named(const std::string& verb, const std::string& from, const std::string& to, Work work) {
  return call(verb + " " + shown(from) + " " + shown(to), [from, to, work](Place& at) {
    return work(at.path(from).c_str(), at.path(to).c_str());
  });
}

int make_socket(const char* name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text(name);
  std::copy_n(text.begin(), std::min(text.size(), sizeof(address.sun_path) - 1), address.sun_path);
  const fs::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

}  // namespace

Step open(const std::string& name, int flags, unsigned mode) {
  return named("open", name, [=](const char* path) {
    return fs::UniqueFd(::open(path, flags | O_CLOEXEC, mode)) ? 0 : -1;
  });
}

Step creat(const std::string& name, unsigned mode) {
  return open(name, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

Step mkdir(const std::string& name, unsigned mode) {
  return named("mkdir", name, [=](const char* path) { return ::mkdir(path, mode); });
}

Step rmdir(const std::string& name) {
  return named("rmdir", name, ::rmdir);
}

Step unlink(const std::string& name) {
  return named("unlink", name, ::unlink);
}

Step rename(const std::string& from, const std::string& to) {
  return named("rename", from, to, ::rename);
}

Step renameat2(const std::string& from, const std::string& to, unsigned flags) {
  return named("renameat2", from, to, [=](const char* one, const char* other) {
    return ::renameat2(AT_FDCWD, one, AT_FDCWD, other, flags);
  });
}

Step link(const std::string& from, const std::string& to) {
  return named("link", from, to, ::link);
}

// The target is text: it is not counted from anywhere.
Step symlink(const std::string& target, const std::string& name) {
  return named("symlink", name,
               [target](const char* path) { return ::symlink(target.c_str(), path); });
}

Step readlink(const std::string& name) {
  return named("readlink", name, [](const char* path) {
    std::array<char, 16> buffer{};
    return ::readlink(path, buffer.data(), buffer.size());
  });
}

Step mknod(const std::string& name, unsigned mode, dev_t device) {
  return named("mknod", name, [=](const char* path) { return ::mknod(path, mode, device); });
}

Step bind(const std::string& name) {
  return named("bind", name, make_socket);
}

Step chmod(const std::string& name, unsigned mode) {
  return named("chmod", name, [=](const char* path) { return ::chmod(path, mode); });
}

Step chown(const std::string& name, long uid, long gid) {
  return named("chown", name, [=](const char* path) {
    return ::chown(path, static_cast<uid_t>(uid), static_cast<gid_t>(gid));
  });
}

Step lchown(const std::string& name, long uid, long gid) {
  return named("lchown", name, [=](const char* path) {
    return ::lchown(path, static_cast<uid_t>(uid), static_cast<gid_t>(gid));
  });
}

Step stat(const std::string& name) {
  return named("stat", name, [](const char* path) {
    struct stat st {};
    return ::stat(path, &st);
  });
}

Step lstat(const std::string& name) {
  return named("lstat", name, [](const char* path) {
    struct stat st {};
    return ::lstat(path, &st);
  });
}

Step statfs(const std::string& name) {
  return named("statfs", name, [](const char* path) {
    struct statfs st {};
    return ::statfs(path, &st);
  });
}

// By the effective identity: the real one is the same in all cases.
Step access(const std::string& name, int rights) {
  return named("access", name, [=](const char* path) { return ::access(path, rights); });
}

Step truncate(const std::string& name, long size) {
  return named("truncate", name, [=](const char* path) { return ::truncate(path, size); });
}

Step opendir(const std::string& name) {
  return open(name, O_RDONLY | O_DIRECTORY);
}

Step chdir(const std::string& name) {
  return named("chdir", name, ::chdir);
}

// In a child of the step, so that success does not replace the test.
Step execve(const std::string& name) {
  return in_another_process(named("execve", name, [](const char* path) {
    std::array<char*, 1> none{nullptr};
    return ::execve(path, none.data(), none.data());
  }));
}

Step utimens(const std::string& name, long atime, long mtime, int flags) {
  return named("utimens", name, [=](const char* path) {
    const std::array<timespec, 2> times{time_of(atime), time_of(mtime)};
    return ::utimensat(AT_FDCWD, path, times.data(), flags);
  });
}

Step utimens_ns(const std::string& name, long nanoseconds) {
  return named("utimens", name, [=](const char* path) {
    const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, timespec{1, nanoseconds}};
    return ::utimensat(AT_FDCWD, path, times.data(), 0);
  });
}

Step setxattr(const std::string& name, const std::string& attribute, const std::string& value,
              int flags) {
  return named("setxattr " + attribute, name, [=](const char* path) {
    return ::setxattr(path, attribute.c_str(), value.data(), value.size(), flags);
  });
}

Step lsetxattr(const std::string& name, const std::string& attribute, const std::string& value) {
  return named("lsetxattr " + attribute, name, [=](const char* path) {
    return ::lsetxattr(path, attribute.c_str(), value.data(), value.size(), 0);
  });
}

Step getxattr(const std::string& name, const std::string& attribute) {
  return named("getxattr " + attribute, name,
               [=](const char* path) { return ::getxattr(path, attribute.c_str(), nullptr, 0); });
}

Step lgetxattr(const std::string& name, const std::string& attribute) {
  return named("lgetxattr " + attribute, name,
               [=](const char* path) { return ::lgetxattr(path, attribute.c_str(), nullptr, 0); });
}

Step listxattr(const std::string& name) {
  return named("listxattr", name, [](const char* path) { return ::listxattr(path, nullptr, 0); });
}

Step getxattr_into(const std::string& name, const std::string& attribute, std::size_t size) {
  return named("getxattr " + attribute, name, [=](const char* path) {
    std::string buffer(size, '\0');
    return ::getxattr(path, attribute.c_str(), buffer.data(), size);
  });
}

Step listxattr_into(const std::string& name, std::size_t size) {
  return named("listxattr", name, [=](const char* path) {
    std::string buffer(size, '\0');
    return ::listxattr(path, buffer.data(), size);
  });
}

Step removexattr(const std::string& name, const std::string& attribute) {
  return named("removexattr " + attribute, name,
               [=](const char* path) { return ::removexattr(path, attribute.c_str()); });
}

}  // namespace neffs::test::posix
