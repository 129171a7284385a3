// The data of files.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "fs/fuse/operation_parts.h"

namespace neffs::fs {
namespace {

void clear_set_ids(fuse_req_t request, int fd) {
  struct stat st {};
  struct stat wanted {};
  unsigned changes = 0;
  check(::fstat(fd, &st), "fstat");
  kill_set_ids(request, st, wanted, changes);
  if (changes != 0) check(::chmod(proc_path(fd).c_str(), wanted.st_mode & 07777), "chmod");
}

void open(fuse_req_t request, fuse_ino_t node, fuse_file_info* info) {
  if (node == kControlNode) {
    open_control(request, info);
    return;
  }
  // It is going to be truncated by somebody who is not its owner. Remote-only files have no such bits.
  if (must_kill_set_ids()) {
    try {
      clear_set_ids(request, context_of(request).fs->open_for_xattr(node).fd());
    } catch (const std::system_error&) {
      // What cannot be opened will say so itself.
    }
  }
  context_of(request).fs->open(node, info->flags, caller_of(request),
                               later_opened(request, info->flags));
}

void create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
            fuse_file_info* info) {
  answer(request, [&] {
    refuse_control_name(parent, name);
    reply_created(
        request,
        context_of(request).fs->create(parent, name, info->flags, mode, caller_of(request)),
        info->flags);
  });
}

void read(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset, fuse_file_info* info) {
  if (node == kControlNode) {
    read_control(request, size, offset, info);
    return;
  }
  answer(request, [&] {
    const auto use = context_of(request).fs->use(info->fh);
    fuse_bufvec data{};
    data.count = 1;
    data.buf[0].size = size;
    data.buf[0].flags = static_cast<fuse_buf_flags>(FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK);
    data.buf[0].fd = use.fd();
    data.buf[0].pos = offset;
    ::fuse_reply_data(request, &data, static_cast<fuse_buf_copy_flags>(0));
  });
}

void write(fuse_req_t request, fuse_ino_t node, const char* data, size_t size, off_t offset,
           fuse_file_info* info) {
  answer(request, [&] {
    refuse_control_node(node);
    const bool must_kill = must_kill_set_ids();
    const auto use = context_of(request).fs->use(info->fh);
    size_t done = 0;
    while (done < size) {
      const auto wrote =
          ::pwrite(use.fd(), data + done, size - done, offset + static_cast<off_t>(done));
      if (wrote < 0 && done == 0) throw_errno("write");
      if (wrote <= 0) break;
      done += static_cast<size_t>(wrote);
    }
    if (must_kill) clear_set_ids(request, use.fd());
    ::fuse_reply_write(request, done);
  });
}

void flush(fuse_req_t request, fuse_ino_t /*node*/, fuse_file_info* /*info*/) {
  ::fuse_reply_err(request, 0);
}

void release(fuse_req_t request, fuse_ino_t node, fuse_file_info* info) {
  auto& context = context_of(request);
  if (node == kControlNode)
    context.control->release(info->fh);
  else
    context.fs->release(info->fh);
  ::fuse_reply_err(request, 0);
}

void fsync(fuse_req_t request, fuse_ino_t node, int data_only, fuse_file_info* info) {
  answer(request, [&] {
    if (node != kControlNode) context_of(request).fs->fsync(info->fh, data_only != 0);
    ::fuse_reply_err(request, 0);
  });
}

void fallocate(fuse_req_t request, fuse_ino_t node, int mode, off_t offset, off_t length,
               fuse_file_info* info) {
  answer(request, [&] {
    refuse_control_node(node);
    const auto use = context_of(request).fs->use(info->fh);
    check(::fallocate(use.fd(), mode, offset, length), "fallocate");
    ::fuse_reply_err(request, 0);
  });
}

void lseek(fuse_req_t request, fuse_ino_t node, off_t offset, int whence, fuse_file_info* info) {
  answer(request, [&] {
    refuse_control_node(node);
    const auto use = context_of(request).fs->use(info->fh);
    const auto at = ::lseek(use.fd(), offset, whence);
    check(at, "lseek");
    ::fuse_reply_lseek(request, at);
  });
}

void copy_file_range(fuse_req_t request, fuse_ino_t from, off_t from_offset,
                     fuse_file_info* from_info, fuse_ino_t to, off_t to_offset,
                     fuse_file_info* to_info, size_t size, int flags) {
  answer(request, [&] {
    refuse_control_node(from);
    refuse_control_node(to);
    auto& fs = *context_of(request).fs;
    const auto source = fs.use(from_info->fh);
    const auto target = fs.use(to_info->fh);
    const auto copied = ::copy_file_range(source.fd(), &from_offset, target.fd(), &to_offset, size,
                                          static_cast<unsigned>(flags));
    check(copied, "copy_file_range");
    ::fuse_reply_write(request, static_cast<size_t>(copied));
  });
}

}  // namespace

void add_file_operations(fuse_lowlevel_ops& ops) {
  ops.open = open;
  ops.create = create;
  ops.read = read;
  ops.write = write;
  ops.flush = flush;
  ops.release = release;
  ops.fsync = fsync;
  ops.fallocate = fallocate;
  ops.lseek = lseek;
  ops.copy_file_range = copy_file_range;
}

}  // namespace neffs::fs
