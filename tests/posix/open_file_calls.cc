// The steps of calls.h that work on open files, on mappings, or take more than one call.
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <memory>

#include "tests/posix/calls.h"

namespace neffs::test::posix {
namespace {

template <typename Work>
Step held(const std::string& verb, const std::string& handle, Work work) {
  return call(verb + " " + handle, [handle, work](Place& at) { return work(at.fd(handle)); });
}

long set_lock(int fd, int command, int type, long start, long size) {
  struct flock lock {};
  lock.l_type = static_cast<short>(type);
  lock.l_whence = SEEK_SET;
  lock.l_start = start;
  lock.l_len = size;
  return ::fcntl(fd, command, &lock);
}

}  // namespace

Step file(const std::string& name, const std::string& content, unsigned mode) {
  return all({hold("made", name, O_CREAT | O_EXCL | O_WRONLY, mode), write("made", content),
              fchmod("made", mode), close("made")});
}

Step directory(const std::string& name, unsigned mode) {
  return all({mkdir(name), chmod(name, mode)});
}

Step fifo(const std::string& name, unsigned mode) {
  return mknod(name, S_IFIFO | mode);
}

Step owned_by(const User& user, const std::string& name) {
  return lchown(name, user.uid, user.gid);
}

Step append(const std::string& name, const std::string& text) {
  return all({hold("end", name, O_WRONLY | O_APPEND), write("end", text), close("end")});
}

Step overwrite(const std::string& name, const std::string& text) {
  return all({hold("begin", name, O_WRONLY), write("begin", text), close("begin")});
}

Step hold(const std::string& handle, const std::string& name, int flags, unsigned mode) {
  return call("open " + name, [=](Place& at) {
    fs::UniqueFd fd(::open(at.path(name).c_str(), flags | O_CLOEXEC, mode));
    if (!fd) return -1;
    at.keep(handle, std::move(fd));
    return 0;
  });
}

Step reopen(const std::string& handle, const std::string& open_handle, int flags) {
  return call("reopen " + open_handle, [=](Place& at) {
    const std::string path = "/proc/self/fd/" + std::to_string(at.fd(open_handle));
    fs::UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC));
    if (!fd) return -1;
    at.keep(handle, std::move(fd));
    return 0;
  });
}

Step close(const std::string& handle) {
  return call("close " + handle, [=](Place& at) {
    at.drop(handle);
    return 0;
  });
}

Step read(const std::string& handle) {
  return held("read", handle, [](int fd) {
    std::array<char, 64> buffer{};
    return ::read(fd, buffer.data(), buffer.size());
  });
}

Step write(const std::string& handle, const std::string& text) {
  return held("write", handle, [=](int fd) { return ::write(fd, text.data(), text.size()); });
}

Step pwrite(const std::string& handle, const std::string& text, long offset) {
  return held("pwrite", handle,
              [=](int fd) { return ::pwrite(fd, text.data(), text.size(), offset); });
}

Step lseek(const std::string& handle, long offset, int whence) {
  return held("lseek", handle, [=](int fd) { return ::lseek(fd, offset, whence); });
}

Step ftruncate(const std::string& handle, long size) {
  return held("ftruncate", handle, [=](int fd) { return ::ftruncate(fd, size); });
}

Step fallocate(const std::string& handle, int mode, long offset, long size) {
  return held("fallocate", handle, [=](int fd) { return ::fallocate(fd, mode, offset, size); });
}

Step copy_file_range(const std::string& from, const std::string& to, std::size_t size) {
  return call("copy_file_range " + from + " " + to, [=](Place& at) {
    return ::copy_file_range(at.fd(from), nullptr, at.fd(to), nullptr, size, 0);
  });
}

Step fsync(const std::string& handle) {
  return held("fsync", handle, ::fsync);
}

Step fdatasync(const std::string& handle) {
  return held("fdatasync", handle, ::fdatasync);
}

Step fchmod(const std::string& handle, unsigned mode) {
  return held("fchmod", handle, [=](int fd) { return ::fchmod(fd, mode); });
}

Step fchown(const std::string& handle, long uid, long gid) {
  return held("fchown", handle, [=](int fd) {
    return ::fchown(fd, static_cast<uid_t>(uid), static_cast<gid_t>(gid));
  });
}

Step futimens(const std::string& handle, long atime, long mtime) {
  return held("futimens", handle, [=](int fd) {
    const std::array<timespec, 2> times{time_of(atime), time_of(mtime)};
    return ::futimens(fd, times.data());
  });
}

Step fsetxattr(const std::string& handle, const std::string& attribute, const std::string& value) {
  return held("fsetxattr", handle, [=](int fd) {
    return ::fsetxattr(fd, attribute.c_str(), value.data(), value.size(), 0);
  });
}

Step linkat_of(const std::string& handle, const std::string& name) {
  return held("linkat", handle,
              [=](int fd) { return ::linkat(fd, "", AT_FDCWD, name.c_str(), AT_EMPTY_PATH); });
}

Step flock(const std::string& handle, int operation) {
  return held("flock", handle, [=](int fd) { return ::flock(fd, operation | LOCK_NB); });
}

Step setlk(const std::string& handle, int type, long start, long size) {
  return held("setlk", handle, [=](int fd) { return set_lock(fd, F_SETLK, type, start, size); });
}

Step ofd_setlk(const std::string& handle, int type, long start, long size) {
  return held("ofd setlk", handle,
              [=](int fd) { return set_lock(fd, F_OFD_SETLK, type, start, size); });
}

Step mmap(const std::string& handle, std::size_t size, int protection, int flags) {
  return call("mmap " + handle, [=](Place& at) {
    try {
      at.keep(std::make_unique<Mapping>(at.fd(handle), size, protection, flags));
      return 0;
    } catch (const std::system_error& error) {
      errno = error.code().value();
      return -1;
    }
  });
}

Step store(std::size_t offset, const std::string& text) {
  return call("store", [=](Place& at) {
    std::memcpy(at.mapping()->data() + offset, text.data(), text.size());
    return 0;
  });
}

Step msync() {
  return call("msync", [](Place& at) {
    return ::msync(at.mapping()->data(), at.mapping()->size(), MS_SYNC);
  });
}

Step munmap() {
  return call("munmap", [](Place& at) {
    at.keep(std::unique_ptr<Mapping>());
    return 0;
  });
}

Step running(const std::string& name) {
  return call("run " + name, [=](Place& at) {
    std::filesystem::copy_file("/bin/cat", name);
    at.keep(std::make_unique<Child>(Child::Start{
        {std::filesystem::absolute(name).string()}, {}, std::filesystem::current_path().string()}));
    return 0;
  });
}

}  // namespace neffs::test::posix
