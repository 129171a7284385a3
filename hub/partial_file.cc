#include "hub/partial_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <span>

#include "hub/hub_error.h"

namespace neffs::hub {
namespace {

constexpr std::size_t kHashStep = 1U << 20U;

}  // namespace

PartialFile::PartialFile(int fd, std::uint64_t size, HashKind kind)
    : fd_(fd), size_(size), kind_(kind), hasher_(kind, size) {}

void PartialFile::reserve() {
  if (size_ > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max())) {
    throw HubError::local("no room for the download", EFBIG);
  }
  const auto length = static_cast<off_t>(size_);
  int result = 0;
  do {
    result = length > 0 ? ::fallocate(fd_, 0, 0, length) : 0;
  } while (result != 0 && errno == EINTR);
  // Filesystems without it still get the length, and report a full disk while writing.
  if (result != 0 && errno != EOPNOTSUPP && errno != ENOSYS) {
    throw HubError::local("no room for the download", errno);
  }
  if (::ftruncate(fd_, length) != 0) {
    throw HubError::local("the download cannot be given its size", errno);
  }
}

void PartialFile::write(std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw HubError::local("the download cannot be written", errno);
    offset += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void PartialFile::hash_some(std::uint64_t end) {
  if (hashed_ >= end) return;
  const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(kHashStep, end - hashed_));
  buffer_.resize(std::max(buffer_.size(), want));
  // Reading back costs one copy from the page cache, and the hash is of what is really there.
  const ssize_t length = ::pread(fd_, buffer_.data(), want, static_cast<off_t>(hashed_));
  if (length < 0 && errno == EINTR) return;
  if (length <= 0) {
    throw HubError::local("the download cannot be read back", length < 0 ? errno : EIO);
  }
  const auto bytes = std::span(buffer_).first(static_cast<std::size_t>(length));
  hasher_.update(std::as_bytes(bytes));
  hashed_ += static_cast<std::uint64_t>(length);
}

void PartialFile::start_over() {
  hasher_ = ContentHasher(kind_, size_);
  hashed_ = 0;
}

}  // namespace neffs::hub
