// The caller's umask, for as long as this lives: what is made meanwhile gets the mode that it would
// have on the disk, under default ACLs too. The umask belongs to the thread if that has called
// unshare(CLONE_FS), else to the process; between such calls it is 0.
#pragma once

#include <sys/stat.h>

#include "fs/reply.h"

namespace neffs::fs {

class UmaskOf {
 public:
  explicit UmaskOf(const Caller& caller) : before_(::umask(caller.umask)) {}
  ~UmaskOf() { ::umask(before_); }
  UmaskOf(const UmaskOf&) = delete;
  UmaskOf& operator=(const UmaskOf&) = delete;

 private:
  const mode_t before_;
};

}  // namespace neffs::fs
