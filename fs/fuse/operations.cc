#include "fs/fuse/operations.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "fs/fuse/replies.h"

namespace neffs::fs {
namespace {

constexpr unsigned kMaxWrite = 1U << 20;
constexpr double kNeverChanges = 3600;

void check(long result, const char* what) {
  if (result < 0) throw_errno(what);
}

void init(void* userdata, fuse_conn_info* conn) {
  conn->max_write = kMaxWrite;
  // Splicing a reply from the layer's file saves a copy; the data must not be moved out of it.
  conn->want |= conn->capable & (FUSE_CAP_SPLICE_WRITE | FUSE_CAP_PARALLEL_DIROPS |
                                 FUSE_CAP_ASYNC_READ | FUSE_CAP_ATOMIC_O_TRUNC);
  // Nobody changes a file but the kernel's own callers, who see their writes anyway.
  conn->want &= ~unsigned{FUSE_CAP_AUTO_INVAL_DATA};
  static_cast<OperationsContext*>(userdata)->passthrough = false;
}

// --- the control file -------------------------------------------------------------------------------

struct stat control_stat() {
  struct stat st {};
  st.st_ino = kControlNode;
  st.st_mode = S_IFREG | 0666;
  st.st_nlink = 1;
  st.st_uid = ::geteuid();
  st.st_gid = ::getegid();
  return st;
}

Entry control_entry() {
  return {kControlNode, control_stat(), kNeverChanges, kNeverChanges};
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
  info->fh = context_of(request).control->open();
  info->direct_io = 1;
  ::fuse_reply_open(request, info);
}

void read_control(fuse_req_t request, size_t size, off_t offset, const fuse_file_info* info) {
  const auto text = context_of(request).control->answer(info->fh);
  const auto start = std::min(static_cast<size_t>(offset), text->size());
  ::fuse_reply_buf(request, text->data() + start, std::min(size, text->size() - start));
}

// --- names ------------------------------------------------------------------------------------------

void lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  if (is_control_name(parent, name)) {
    reply_entry(request, control_entry());
    return;
  }
  context_of(request).fs->lookup(parent, name, caller_of(request), later_entry(request));
}

void forget_one(CacheFs& fs, fuse_ino_t node, uint64_t lookups) {
  if (node != kControlNode) fs.forget(node, lookups);
}

void forget(fuse_req_t request, fuse_ino_t node, uint64_t lookups) {
  forget_one(*context_of(request).fs, node, lookups);
  ::fuse_reply_none(request);
}

void forget_multi(fuse_req_t request, size_t count, fuse_forget_data* forgets) {
  for (size_t i = 0; i < count; ++i)
    forget_one(*context_of(request).fs, forgets[i].ino, forgets[i].nlookup);
  ::fuse_reply_none(request);
}

std::optional<HandleId> handle_of(const fuse_file_info* info) {
  return info == nullptr ? std::nullopt : std::optional<HandleId>(info->fh);
}

void getattr(fuse_req_t request, fuse_ino_t node, fuse_file_info* info) {
  answer(request, [&] {
    const auto st = node == kControlNode ? control_stat()
                                         : context_of(request).fs->getattr(node, handle_of(info));
    ::fuse_reply_attr(request, &st, kAttrTimeoutS);
  });
}

// The kernel leaves the set-id bits to us (FUSE_HANDLE_KILLPRIV_V2): cleared as the disk does it.
void kill_set_ids(const struct stat& st, struct stat& wanted, unsigned& changes) {
  const mode_t mode = (changes & CacheFs::kMode) != 0 ? wanted.st_mode : st.st_mode;
  mode_t kill = mode & S_ISUID;
  if ((mode & S_IXGRP) != 0) kill |= mode & S_ISGID;
  if (!S_ISREG(st.st_mode) || kill == 0) return;
  wanted.st_mode = mode & ~kill;
  changes |= CacheFs::kMode;
}

void setattr(fuse_req_t request, fuse_ino_t node, struct stat* attr, int to_set,
             fuse_file_info* info) {
  answer(request, [&] {
    refuse_control_node(node);
    auto& fs = *context_of(request).fs;
    auto wanted = *attr;
    unsigned changes = 0;
    if ((to_set & FUSE_SET_ATTR_MODE) != 0) changes |= CacheFs::kMode;
    if ((to_set & FUSE_SET_ATTR_UID) != 0) changes |= CacheFs::kUid;
    if ((to_set & FUSE_SET_ATTR_GID) != 0) changes |= CacheFs::kGid;
    if ((to_set & FUSE_SET_ATTR_SIZE) != 0) changes |= CacheFs::kSize;
    if ((to_set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW)) != 0) changes |= CacheFs::kAtime;
    if ((to_set & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW)) != 0) changes |= CacheFs::kMtime;
    if ((to_set & FUSE_SET_ATTR_ATIME_NOW) != 0) wanted.st_atim.tv_nsec = UTIME_NOW;
    if ((to_set & FUSE_SET_ATTR_MTIME_NOW) != 0) wanted.st_mtim.tv_nsec = UTIME_NOW;
    if (must_kill_set_ids()) kill_set_ids(fs.getattr(node, handle_of(info)), wanted, changes);
    const auto st = fs.setattr(node, handle_of(info), changes, wanted);
    ::fuse_reply_attr(request, &st, kAttrTimeoutS);
  });
}

void readlink(fuse_req_t request, fuse_ino_t node) {
  answer(request,
         [&] { ::fuse_reply_readlink(request, context_of(request).fs->readlink(node).c_str()); });
}

void mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
  answer(request, [&] {
    reply_entry(request, context_of(request).fs->mkdir(parent, name, mode, caller_of(request)));
  });
}

void symlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name) {
  answer(request, [&] {
    refuse_control_name(parent, name);
    reply_entry(request, context_of(request).fs->symlink(target, parent, name, caller_of(request)));
  });
}

void link(fuse_req_t request, fuse_ino_t node, fuse_ino_t parent, const char* name) {
  answer(request, [&] {
    refuse_control_node(node);
    reply_entry(request, context_of(request).fs->link(node, parent, name));
  });
}

void unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
  answer(request, [&] {
    refuse_control_name(parent, name);
    context_of(request).fs->unlink(parent, name);
    ::fuse_reply_err(request, 0);
  });
}

void rmdir(fuse_req_t request, fuse_ino_t parent, const char* name) {
  answer(request, [&] {
    context_of(request).fs->rmdir(parent, name);
    ::fuse_reply_err(request, 0);
  });
}

void rename(fuse_req_t request, fuse_ino_t from, const char* old_name, fuse_ino_t to,
            const char* new_name, unsigned flags) {
  answer(request, [&] {
    refuse_control_name(from, old_name);
    refuse_control_name(to, new_name);
    context_of(request).fs->rename(from, old_name, to, new_name, flags);
    ::fuse_reply_err(request, 0);
  });
}

// --- files ------------------------------------------------------------------------------------------

void open(fuse_req_t request, fuse_ino_t node, fuse_file_info* info) {
  if (node == kControlNode) {
    open_control(request, info);
    return;
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
    fuse_bufvec data = FUSE_BUFVEC_INIT(size);
    data.buf[0].flags = static_cast<fuse_buf_flags>(FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK);
    data.buf[0].fd = use.fd();
    data.buf[0].pos = offset;
    ::fuse_reply_data(request, &data, static_cast<fuse_buf_copy_flags>(0));
  });
}

void clear_set_ids(int fd) {
  struct stat st {};
  struct stat wanted {};
  unsigned changes = 0;
  check(::fstat(fd, &st), "fstat");
  kill_set_ids(st, wanted, changes);
  if (changes != 0) check(::fchmod(fd, wanted.st_mode & 07777), "fchmod");
}

void write(fuse_req_t request, fuse_ino_t node, const char* data, size_t size, off_t offset,
           fuse_file_info* info) {
  answer(request, [&] {
    auto& context = context_of(request);
    if (node == kControlNode) {
      context.control->write(info->fh, {data, size}, caller_of(request).uid);
      ::fuse_reply_write(request, size);
      return;
    }
    const bool must_kill = must_kill_set_ids();
    const auto use = context.fs->use(info->fh);
    size_t done = 0;
    while (done < size) {
      const auto wrote =
          ::pwrite(use.fd(), data + done, size - done, offset + static_cast<off_t>(done));
      if (wrote < 0 && done == 0) throw_errno("write");
      if (wrote <= 0) break;
      done += static_cast<size_t>(wrote);
    }
    if (must_kill) clear_set_ids(use.fd());
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
    if (node != kControlNode) {
      const auto use = context_of(request).fs->use(info->fh);
      check(data_only != 0 ? ::fdatasync(use.fd()) : ::fsync(use.fd()), "fsync");
    }
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

void statfs(fuse_req_t request, fuse_ino_t /*node*/) {
  answer(request, [&] {
    const auto st = context_of(request).fs->statfs();
    ::fuse_reply_statfs(request, &st);
  });
}

// --- directories ------------------------------------------------------------------------------------

void opendir(fuse_req_t request, fuse_ino_t node, fuse_file_info* info) {
  context_of(request).fs->opendir(node, caller_of(request), later_directory(request, *info));
}

void releasedir(fuse_req_t request, fuse_ino_t /*node*/, fuse_file_info* info) {
  context_of(request).fs->releasedir(info->fh);
  ::fuse_reply_err(request, 0);
}

void fsyncdir(fuse_req_t request, fuse_ino_t node, int /*data_only*/, fuse_file_info* /*info*/) {
  answer(request, [&] {
    context_of(request).fs->fsyncdir(node);
    ::fuse_reply_err(request, 0);
  });
}

// Fills one reply. Offsets 0 and 1 are "." and "..", which are not looked up.
class ListingBuffer {
 public:
  ListingBuffer(fuse_req_t request, size_t size, bool plus)
      : request_(request), buffer_(size), plus_(plus) {}

  // False, and nothing is counted, if the name does not fit.
  bool add(CacheFs& fs, fuse_ino_t directory, const Names::Child& child, off_t next) {
    const size_t left = buffer_.size() - used_;
    if (size_of(child.name) > left) return false;
    fuse_entry_param param{};
    param.attr.st_ino = child.ino;
    param.attr.st_mode = static_cast<mode_t>(child.type) << 12;
    if (plus_ && child.name != "." && child.name != "..") {
      if (const auto entry = fs.readdir_entry(directory, child); entry.node != 0) {
        param.ino = entry.node;
        param.attr = entry.st;
        param.entry_timeout = entry.entry_timeout_s;
        param.attr_timeout = entry.attr_timeout_s;
      }
    }
    used_ += write(child.name, param, left, next);
    return true;
  }

  void reply() { ::fuse_reply_buf(request_, buffer_.data(), used_); }

 private:
  size_t size_of(const std::string& name) const {
    return plus_ ? ::fuse_add_direntry_plus(request_, nullptr, 0, name.c_str(), nullptr, 0)
                 : ::fuse_add_direntry(request_, nullptr, 0, name.c_str(), nullptr, 0);
  }
  size_t write(const std::string& name, const fuse_entry_param& param, size_t left, off_t next) {
    auto* at = buffer_.data() + used_;
    return plus_ ? ::fuse_add_direntry_plus(request_, at, left, name.c_str(), &param, next)
                 : ::fuse_add_direntry(request_, at, left, name.c_str(), &param.attr, next);
  }

  const fuse_req_t request_;
  std::vector<char> buffer_;
  size_t used_ = 0;
  const bool plus_;
};

void list(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset,
          const fuse_file_info* info, bool plus) {
  answer(request, [&] {
    auto& fs = *context_of(request).fs;
    ListingBuffer buffer(request, size, plus);
    const Names::Child dots[2] = {{".", node, S_IFDIR >> 12}, {"..", node, S_IFDIR >> 12}};
    for (auto at = offset;; ++at) {
      const auto* child =
          at < 2 ? &dots[at] : fs.readdir(info->fh, static_cast<std::uint64_t>(at - 2));
      if (child == nullptr || !buffer.add(fs, node, *child, at + 1)) break;
    }
    buffer.reply();
  });
}

void readdir(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset, fuse_file_info* info) {
  list(request, node, size, offset, info, false);
}

void readdirplus(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset,
                 fuse_file_info* info) {
  list(request, node, size, offset, info, true);
}

// --- extended attributes ----------------------------------------------------------------------------

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

fuse_lowlevel_ops make_operations() {
  fuse_lowlevel_ops ops{};
  ops.init = init;
  ops.lookup = lookup;
  ops.forget = forget;
  ops.forget_multi = forget_multi;
  ops.getattr = getattr;
  ops.setattr = setattr;
  ops.readlink = readlink;
  ops.mkdir = mkdir;
  ops.symlink = symlink;
  ops.link = link;
  ops.unlink = unlink;
  ops.rmdir = rmdir;
  ops.rename = rename;
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
  ops.statfs = statfs;
  ops.opendir = opendir;
  ops.readdir = readdir;
  ops.readdirplus = readdirplus;
  ops.releasedir = releasedir;
  ops.fsyncdir = fsyncdir;
  ops.getxattr = getxattr;
  ops.listxattr = listxattr;
  ops.setxattr = setxattr;
  ops.removexattr = removexattr;
  return ops;
}

}  // namespace

const fuse_lowlevel_ops& operations() {
  static const fuse_lowlevel_ops ops = make_operations();
  return ops;
}

}  // namespace neffs::fs
