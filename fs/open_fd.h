// What opening does to descriptors of the layer's files.
#pragma once

#include "fs/open_files.h"
#include "fs/unique_fd.h"

namespace neffs::fs {

// Whether an open with these flags may change the file.
bool writes(int flags);

// What a handle of ours may do; O_TRUNC is done by empty(), O_CREAT and its kin by the kernel, which says
// where an O_APPEND write goes: our own would keep copy_file_range and pwrite from their offsets.
int handle_flags(int flags);

// All of them throw std::system_error.

// Another descriptor of the same open file.
UniqueFd duplicate(int fd);
// Another open file of the same inode, also of one that has lost its names.
UniqueFd reopen(int fd, int flags);
// A handle with a file of its own, which may write; what handles share is opened beside it.
Opened open_with(OpenFiles& files, NodeId node, UniqueFd own);
// As O_TRUNC does it, which also works through a handle that only reads.
void empty(int fd);

}  // namespace neffs::fs
