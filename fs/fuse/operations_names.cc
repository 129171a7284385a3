// Names and attributes.
#include <sys/stat.h>

#include <cerrno>
#include <string>

#include "fs/fuse/operation_parts.h"

namespace neffs::fs {
namespace {

constexpr double kNeverChanges = 3600;

Entry control_entry() {
  return {kControlNode, control_stat(), kNeverChanges, kNeverChanges};
}

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

void getattr(fuse_req_t request, fuse_ino_t node, fuse_file_info* info) {
  answer(request, [&] {
    const auto answer = node == kControlNode
                            ? Attributes{control_stat(), kNeverChanges}
                            : context_of(request).fs->getattr(node, handle_of(info));
    ::fuse_reply_attr(request, &answer.st, answer.timeout_s);
  });
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
    if (must_kill_set_ids())
      kill_set_ids(request, fs.getattr(node, handle_of(info)).st, wanted, changes);
    fs.setattr(node, handle_of(info), changes, wanted, caller_of(request),
               later_attributes(request));
  });
}

void readlink(fuse_req_t request, fuse_ino_t node) {
  answer(request,
         [&] { ::fuse_reply_readlink(request, context_of(request).fs->readlink(node).c_str()); });
}

void mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
  answer(request, [&] {
    refuse_control_name(parent, name);
    reply_entry(request, context_of(request).fs->mkdir(parent, name, mode, caller_of(request)));
  });
}

void mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, dev_t device) {
  answer(request, [&] {
    refuse_control_name(parent, name);
    reply_entry(request,
                context_of(request).fs->mknod(parent, name, mode, device, caller_of(request)));
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
    refuse_control_name(parent, name);
    context_of(request).fs->link(node, parent, name, caller_of(request), later_entry(request));
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
    context_of(request).fs->rename(from, old_name, to, new_name, flags, caller_of(request),
                                   later_done(request));
  });
}

void statfs(fuse_req_t request, fuse_ino_t /*node*/) {
  answer(request, [&] {
    const auto st = context_of(request).fs->statfs();
    ::fuse_reply_statfs(request, &st);
  });
}

}  // namespace

void add_name_operations(fuse_lowlevel_ops& ops) {
  ops.lookup = lookup;
  ops.forget = forget;
  ops.forget_multi = forget_multi;
  ops.getattr = getattr;
  ops.setattr = setattr;
  ops.readlink = readlink;
  ops.mkdir = mkdir;
  ops.mknod = mknod;
  ops.symlink = symlink;
  ops.link = link;
  ops.unlink = unlink;
  ops.rmdir = rmdir;
  ops.rename = rename;
  ops.statfs = statfs;
}

}  // namespace neffs::fs
