#include "fs/fuse/operations.h"

#include <limits.h>

#include <algorithm>
#include <vector>

#include "fs/fuse/operation_parts.h"

namespace neffs::fs {
namespace {

constexpr unsigned kMaxWrite = 1U << 20;

void init(void* /*userdata*/, fuse_conn_info* conn) {
  conn->max_write = kMaxWrite;
  // Splicing a reply from the layer's file saves a copy; the data must not be moved out of it.
  conn->want |= conn->capable & (FUSE_CAP_SPLICE_WRITE | FUSE_CAP_PARALLEL_DIROPS |
                                 FUSE_CAP_ASYNC_READ | FUSE_CAP_ATOMIC_O_TRUNC);
  // The caller's umask comes with the call, so that default ACLs take its place as on the disk.
  conn->want |= conn->capable & (FUSE_CAP_POSIX_ACL | FUSE_CAP_DONT_MASK);
  // Nobody changes a file but the kernel's own callers, who see their writes anyway.
  conn->want &= ~unsigned{FUSE_CAP_AUTO_INVAL_DATA};
}

fuse_lowlevel_ops make_operations() {
  fuse_lowlevel_ops ops{};
  ops.init = init;
  add_name_operations(ops);
  add_file_operations(ops);
  add_directory_operations(ops);
  add_xattr_operations(ops);
  add_control_operations(ops);
  return ops;
}

}  // namespace

const fuse_lowlevel_ops& operations() {
  static const fuse_lowlevel_ops ops = make_operations();
  return ops;
}

void check(long result, const char* what) {
  if (result < 0) throw_errno(what);
}

std::optional<HandleId> handle_of(const fuse_file_info* info) {
  return info == nullptr ? std::nullopt : std::optional<HandleId>(info->fh);
}

bool may_set_gid(fuse_req_t request, gid_t group) {
  const auto* caller = ::fuse_req_ctx(request);
  if (caller->uid == 0 || caller->gid == group) return true;
  std::vector<gid_t> groups(NGROUPS_MAX);
  const int count = ::fuse_req_getgroups(request, static_cast<int>(groups.size()), groups.data());
  groups.resize(static_cast<std::size_t>(std::clamp(count, 0, NGROUPS_MAX)));
  return std::find(groups.begin(), groups.end(), group) != groups.end();
}

void kill_set_ids(fuse_req_t request, const struct stat& st, struct stat& wanted,
                  unsigned& changes) {
  const mode_t mode = (changes & CacheFs::kMode) != 0 ? wanted.st_mode : st.st_mode;
  if (S_ISDIR(st.st_mode) || (mode & (S_ISUID | S_ISGID)) == 0) return;
  mode_t kill = mode & S_ISUID;
  if ((mode & S_IXGRP) != 0 || !may_set_gid(request, st.st_gid)) kill |= mode & S_ISGID;
  if (kill == 0) return;
  wanted.st_mode = mode & ~kill;
  changes |= CacheFs::kMode;
}

}  // namespace neffs::fs
