// What the parts of the operations table share. A part unpacks, calls CacheFs, replies: nothing else.
#pragma once

#include <sys/stat.h>

#include <optional>

#include "fs/fuse/replies.h"

namespace neffs::fs {

void add_name_operations(fuse_lowlevel_ops& ops);
void add_file_operations(fuse_lowlevel_ops& ops);
void add_directory_operations(fuse_lowlevel_ops& ops);
void add_xattr_operations(fuse_lowlevel_ops& ops);
void add_control_operations(fuse_lowlevel_ops& ops);

// Throws errno as std::system_error if the call failed.
void check(long result, const char* what);

// The control file: an entry of the root that is no part of CacheFs.
bool is_control_name(fuse_ino_t parent, const char* name);
struct stat control_stat();
void refuse_control_name(fuse_ino_t parent, const char* name);  // EPERM
void refuse_control_node(fuse_ino_t node);                      // EPERM
void open_control(fuse_req_t request, fuse_file_info* info);    // EPERM unless for reading
void read_control(fuse_req_t request, size_t size, off_t offset, const fuse_file_info* info);

std::optional<HandleId> handle_of(const fuse_file_info* info);

// The caller may keep a file of this group set-group-id: root, and members.
bool may_set_gid(fuse_req_t request, gid_t group);
// The kernel leaves the set-id bits to us (FUSE_HANDLE_KILLPRIV_V2): adds to `changes` and `wanted`
// what a write to, or a truncation of, a file with attributes `st` takes away, as the disk does it.
void kill_set_ids(fuse_req_t request, const struct stat& st, struct stat& wanted,
                  unsigned& changes);

}  // namespace neffs::fs
