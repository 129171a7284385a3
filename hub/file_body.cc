#include "hub/file_body.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>

#include "hub/hub_error.h"

namespace neffs::hub {
namespace {

constexpr std::size_t kHashStep = 1U << 20U;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

// Gives `use` the file, a step at a time.
template <typename Use>
void read_through(int fd, std::uint64_t size, const std::stop_token& stop, Use use) {
  FileBody body(fd, 0, size);
  for (std::uint64_t left = size; left > 0;) {
    if (stop.stop_requested()) {
      throw HubError(HubErrorKind::kCancelled, "the hashing was given up");
    }
    const std::string bytes = body.read(std::min<std::uint64_t>(left, kHashStep));
    use(bytes_of(bytes));
    left -= bytes.size();
  }
}

}  // namespace

FileBody::FileBody(int fd, std::uint64_t offset, std::uint64_t size)
    : fd_(fd), offset_(offset), size_(size) {}

std::string FileBody::read(std::size_t most) {
  std::string bytes(std::min<std::uint64_t>(most, size_ - done_), '\0');
  ssize_t length = 0;
  do {
    length = ::pread(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset_ + done_));
  } while (length < 0 && errno == EINTR);
  if (length < 0) throw HubError::local("the file cannot be read", errno);
  if (length == 0) {
    throw HubError(HubErrorKind::kLocal, "the file has become shorter than it was");
  }
  bytes.resize(static_cast<std::size_t>(length));
  done_ += bytes.size();
  return bytes;
}

FileIds hash_file(int fd, std::uint64_t size, const std::stop_token& stop) {
  ContentHasher blob(HashKind::kGitBlobSha1, size);
  ContentHasher sha256(HashKind::kSha256, size);
  read_through(fd, size, stop, [&](std::span<const std::byte> bytes) {
    blob.update(bytes);
    sha256.update(bytes);
  });
  return {blob.finish(), sha256.finish()};
}

bool holds_content(int fd, std::uint64_t size, const ContentId& content,
                   const std::stop_token& stop) {
  ContentHasher hasher(content.kind, size);
  read_through(fd, size, stop, [&](std::span<const std::byte> bytes) { hasher.update(bytes); });
  return hasher.finish() == content;
}

}  // namespace neffs::hub
