// Extended attributes: of local names, on the layer's own files.
#include <sys/stat.h>
#include <sys/xattr.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "fs/fuse/operation_parts.h"

namespace neffs::fs {
namespace {

SharedFd open_for_xattr(fuse_req_t request, fuse_ino_t node) {
  if (node == kControlNode) throw_errno(ENODATA, "xattr");
  return context_of(request).fs->open_for_xattr(node);
}

void reply_xattr(fuse_req_t request, size_t size, const std::vector<char>& value, long got) {
  check(got, "xattr");
  if (size == 0)
    ::fuse_reply_xattr(request, static_cast<size_t>(got));
  else
    ::fuse_reply_buf(request, value.data(), static_cast<size_t>(got));
}

void clear_set_gid(int fd) {
  struct stat st {};
  check(::fstat(fd, &st), "fstat");
  if ((st.st_mode & S_ISGID) != 0)
    check(::chmod(proc_path(fd).c_str(), st.st_mode & 07777 & ~S_ISGID), "chmod");
}

void getxattr(fuse_req_t request, fuse_ino_t node, const char* name, size_t size) {
  answer(request, [&] {
    const auto fd = open_for_xattr(request, node);
    std::vector<char> value(size);
    const auto got = ::getxattr(proc_path(fd.fd()).c_str(), name, value.data(), size);
    if (got < 0 && errno == ENODATA)  // what the kernel hears before the first write to every file
      ::fuse_reply_err(request, ENODATA);
    else
      reply_xattr(request, size, value, got);
  });
}

void listxattr(fuse_req_t request, fuse_ino_t node, size_t size) {
  answer(request, [&] {
    std::vector<char> value(size);
    try {
      const auto fd = open_for_xattr(request, node);
      reply_xattr(request, size, value,
                  ::listxattr(proc_path(fd.fd()).c_str(), value.data(), size));
    } catch (const std::system_error& error) {
      if (error.code().value() != ENODATA) throw;
      reply_xattr(request, size, value, 0);  // a remote-only name has none
    }
  });
}

void setxattr(fuse_req_t request, fuse_ino_t node, const char* name, const char* value, size_t size,
              int flags) {
  answer(request, [&] {
    refuse_control_node(node);
    auto& fs = *context_of(request).fs;
    // As the disk does it: an ACL that a stranger to the file's group sets takes set-group-id away.
    const bool kills_set_gid = std::string_view(name) == "system.posix_acl_access" &&
                               !may_set_gid(request, fs.getattr(node, {}).st.st_gid);
    const auto change = [name = std::string(name), value = std::string(value, size), flags,
                         kills_set_gid](int fd) {
      const auto path = proc_path(fd);
      check(::setxattr(path.c_str(), name.c_str(), value.data(), value.size(), flags), "setxattr");
      if (kills_set_gid) clear_set_gid(fd);
    };
    fs.change_xattr(node, caller_of(request), change, later_done(request));
  });
}

void removexattr(fuse_req_t request, fuse_ino_t node, const char* name) {
  answer(request, [&] {
    refuse_control_node(node);
    const auto change = [name = std::string(name)](int fd) {
      check(::removexattr(proc_path(fd).c_str(), name.c_str()), "removexattr");
    };
    context_of(request).fs->change_xattr(node, caller_of(request), change, later_done(request));
  });
}

}  // namespace

void add_xattr_operations(fuse_lowlevel_ops& ops) {
  ops.getxattr = getxattr;
  ops.listxattr = listxattr;
  ops.setxattr = setxattr;
  ops.removexattr = removexattr;
}

}  // namespace neffs::fs
