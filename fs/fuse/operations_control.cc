// The control file: an entry of the root that is no part of CacheFs.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "fs/control_request.h"
#include "fs/fuse/operation_parts.h"

namespace neffs::fs {
namespace {

ControlRequest unpack(const void* bytes, size_t size) {
  ControlRequest asked;
  if (size != sizeof asked) throw_errno(EINVAL, "ioctl");
  std::memcpy(&asked, bytes, size);
  if (asked.size > sizeof asked.text) throw_errno(EINVAL, "ioctl");
  return asked;
}

// Other files have no ioctls of their own and say so as those of the disk do.
void ioctl(fuse_req_t request, fuse_ino_t node, unsigned command, void* /*argument*/,
           fuse_file_info* info, unsigned /*flags*/, const void* bytes, size_t size,
           size_t /*room*/) {
  answer(request, [&] {
    if (node != kControlNode || command != kAskControl) throw_errno(ENOTTY, "ioctl");
    const auto asked = unpack(bytes, size);
    context_of(request).control->ask(info->fh, std::string_view(asked.text, asked.size),
                                     caller_of(request).uid);
    ::fuse_reply_ioctl(request, 0, nullptr, 0);
  });
}

}  // namespace

struct stat control_stat() {
  struct stat st {};
  st.st_ino = kControlNode;
  st.st_mode = S_IFREG | 0444;
  st.st_nlink = 1;
  st.st_uid = ::geteuid();
  st.st_gid = ::getegid();
  return st;
}

bool is_control_name(fuse_ino_t parent, const char* name) {
  return parent == kRootNode && name == kControlName;
}

void refuse_control_name(fuse_ino_t parent, const char* name) {
  if (is_control_name(parent, name)) throw_errno(EPERM, "the control file");
}

void refuse_control_node(fuse_ino_t node) {
  if (node == kControlNode) throw_errno(EPERM, "the control file");
}

void open_control(fuse_req_t request, fuse_file_info* info) {
  answer(request, [&] {
    if ((info->flags & O_ACCMODE) != O_RDONLY) throw_errno(EPERM, "the control file");
    info->fh = context_of(request).control->open();
    info->direct_io = 1;
    ::fuse_reply_open(request, info);
  });
}

void read_control(fuse_req_t request, size_t size, off_t offset, const fuse_file_info* info) {
  const auto text = context_of(request).control->answer(info->fh);
  const auto start = std::min(static_cast<size_t>(offset), text->size());
  ::fuse_reply_buf(request, text->data() + start, std::min(size, text->size() - start));
}

void add_control_operations(fuse_lowlevel_ops& ops) {
  ops.ioctl = ioctl;
}

}  // namespace neffs::fs
