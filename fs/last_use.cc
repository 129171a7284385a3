#include "fs/last_use.h"

#include <fcntl.h>

#include <array>
#include <ctime>

namespace neffs::fs {
namespace {

constexpr std::time_t kNotedAgainAfterS = 60;

}  // namespace

void note_use(int fd, const struct stat& st) {
  if (std::time(nullptr) - st.st_atim.tv_sec < kNotedAgainAfterS) return;
  const std::array<timespec, 2> times{timespec{0, UTIME_NOW}, timespec{0, UTIME_OMIT}};
  ::futimens(fd, times.data());
}

}  // namespace neffs::fs
