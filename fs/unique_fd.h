// The one owner type of file descriptors.
#pragma once

#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

namespace neffs::fs {

// Owns a descriptor, or nothing (-1). Move-only; closes it once.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  ~UniqueFd() { reset(); }
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

// Leads to the very inode of an open descriptor, a symlink's too, whatever has become of its names.
inline std::string proc_path(int fd) {
  return "/proc/self/fd/" + std::to_string(fd);
}

// Somebody else's descriptor, which stays open for as long as the value is held.
class SharedFd {
 public:
  SharedFd(std::shared_ptr<const void> keep, int fd) : keep_(std::move(keep)), fd_(fd) {}
  int fd() const { return fd_; }

 private:
  std::shared_ptr<const void> keep_;
  int fd_;
};

}  // namespace neffs::fs
