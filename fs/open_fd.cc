#include "fs/open_fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "fs/layer.h"

namespace neffs::fs {

bool writes(int flags) {
  return (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0;
}

int handle_flags(int flags) {
  return flags & (O_ACCMODE | O_DSYNC | O_SYNC);
}

UniqueFd duplicate(int fd) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) throw_errno("dup");
  return copy;
}

UniqueFd reopen(int fd, int flags) {
  UniqueFd again(::open(proc_path(fd).c_str(), flags | O_CLOEXEC));
  if (!again) throw_errno("open");
  return again;
}

Opened open_with(OpenFiles& files, NodeId node, UniqueFd own) {
  auto shared = reopen(own.get(), O_RDONLY);  // arguments are made in any order
  return files.open(node, std::move(shared), std::move(own));
}

void empty(int fd) {
  if (::truncate(proc_path(fd).c_str(), 0) != 0) throw_errno("truncate");
}

}  // namespace neffs::fs
