// When a copy was last used: in the access time of its file, which every tool shows and no crash loses.
#pragma once

#include <sys/stat.h>

#include <cstdint>

namespace neffs::fs {

// Unix time.
inline std::int64_t used_ns(const struct stat& st) {
  return std::int64_t{st.st_atim.tv_sec} * 1'000'000'000 + st.st_atim.tv_nsec;
}

// The file is used now. Noted once a minute: the disk's own access times cannot be relied on, because most
// disks are mounted with relatime or noatime. Throws nothing.
void note_use(int fd, const struct stat& st);

}  // namespace neffs::fs
