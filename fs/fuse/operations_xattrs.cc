// Extended attributes: of local names, on the layer's own files.
#include <sys/xattr.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

#include "fs/fuse/operation_parts.h"

namespace neffs::fs {
namespace {

std::string xattr_path(fuse_req_t request, fuse_ino_t node, UniqueFd& keep) {
  if (node == kControlNode) throw_errno(ENODATA, "xattr");
  keep = context_of(request).fs->open_for_xattr(node);
  return "/proc/self/fd/" + std::to_string(keep.get());
}

void reply_xattr(fuse_req_t request, size_t size, const std::vector<char>& value, long got) {
  check(got, "xattr");
  if (size == 0)
    ::fuse_reply_xattr(request, static_cast<size_t>(got));
  else
    ::fuse_reply_buf(request, value.data(), static_cast<size_t>(got));
}

void getxattr(fuse_req_t request, fuse_ino_t node, const char* name, size_t size) {
  answer(request, [&] {
    UniqueFd keep;
    const auto path = xattr_path(request, node, keep);
    std::vector<char> value(size);
    reply_xattr(request, size, value, ::getxattr(path.c_str(), name, value.data(), size));
  });
}

void listxattr(fuse_req_t request, fuse_ino_t node, size_t size) {
  answer(request, [&] {
    UniqueFd keep;
    std::vector<char> value(size);
    try {
      const auto path = xattr_path(request, node, keep);
      reply_xattr(request, size, value, ::listxattr(path.c_str(), value.data(), size));
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
    UniqueFd keep;
    const auto path = xattr_path(request, node, keep);
    check(::setxattr(path.c_str(), name, value, size, flags), "setxattr");
    ::fuse_reply_err(request, 0);
  });
}

void removexattr(fuse_req_t request, fuse_ino_t node, const char* name) {
  answer(request, [&] {
    refuse_control_node(node);
    UniqueFd keep;
    const auto path = xattr_path(request, node, keep);
    check(::removexattr(path.c_str(), name), "removexattr");
    ::fuse_reply_err(request, 0);
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
