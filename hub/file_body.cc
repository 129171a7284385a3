#include "hub/file_body.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <vector>

#include "hub/content_check.h"
#include "hub/hub_error.h"

namespace neffs::hub {
namespace {

constexpr std::size_t kHashStep = 256UL * 1024;

// At least one byte of a file that must have more. Throws HubError kLocal.
std::size_t read_some(int fd, std::uint64_t offset, std::span<char> into) {
  ssize_t length = 0;
  do {
    length = ::pread(fd, into.data(), into.size(), static_cast<off_t>(offset));
  } while (length < 0 && errno == EINTR);
  if (length < 0) throw HubError::local("the file cannot be read", errno);
  if (length == 0) {
    throw HubError(HubErrorKind::kLocal, "the file has become shorter than it was");
  }
  return static_cast<std::size_t>(length);
}

// Hands the first `size` bytes on, in order.
template <typename Take>
void read_pieces(int fd, std::uint64_t size, const std::stop_token& stop, Take take) {
  std::vector<char> buffer(std::min<std::uint64_t>(size, kHashStep));
  for (std::uint64_t done = 0; done < size;) {
    if (stop.stop_requested()) {
      throw HubError(HubErrorKind::kCancelled, "the hashing was given up");
    }
    const auto most = std::min<std::uint64_t>(size - done, buffer.size());
    const auto length = read_some(fd, done, std::span(buffer).first(most));
    take(std::as_bytes(std::span(buffer).first(length)));
    done += length;
  }
}

}  // namespace

FileBody::FileBody(int fd, std::uint64_t offset, std::uint64_t size)
    : fd_(fd), offset_(offset), size_(size) {}

std::string FileBody::read(std::size_t most) {
  std::string bytes(std::min<std::uint64_t>(most, size_ - done_), '\0');
  bytes.resize(read_some(fd_, offset_ + done_, bytes));
  done_ += bytes.size();
  return bytes;
}

std::string read_start(int fd, std::uint64_t size) {
  FileBody body(fd, 0, size);
  std::string bytes;
  while (bytes.size() < size) bytes += body.read(size - bytes.size());
  return bytes;
}

ContentId hash_file(int fd, std::uint64_t size, HashKind kind, const std::stop_token& stop) {
  ContentHasher hasher(kind, size);
  read_pieces(fd, size, stop, [&](auto piece) { hasher.update(piece); });
  return hasher.finish();
}

SealedContent seal_file(int fd, std::uint64_t size, HashKind kind, const std::stop_token& stop) {
  ContentHasher hasher(kind, size);
  Sealer sealer;
  read_pieces(fd, size, stop, [&](auto piece) {
    hasher.update(piece);
    sealer.update(piece);
  });
  return {hasher.finish(), sealer.finish()};
}

bool holds_content(int fd, std::uint64_t size, const ContentId& content,
                   const std::stop_token& stop, const std::optional<Seal>& seal) {
  ContentCheck check(content, size, seal);
  read_pieces(fd, size, stop, [&](auto piece) { check.update(piece); });
  return check.finish();
}

}  // namespace neffs::hub
