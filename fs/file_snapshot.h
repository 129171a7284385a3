// What tells that a file is still the one that was looked at.
#pragma once

#include <sys/stat.h>

#include "fs/layer.h"
#include "index/upload.h"

namespace neffs::fs {

inline index::FileSnapshot snapshot_of(const struct stat& st) {
  return {static_cast<std::uint64_t>(st.st_size), mtime_ns(st),
          std::int64_t{st.st_ctim.tv_sec} * 1'000'000'000 + st.st_ctim.tv_nsec, st.st_ino};
}

}  // namespace neffs::fs
