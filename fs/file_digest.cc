#include "fs/file_digest.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <vector>

#include "fs/layer.h"

namespace neffs::fs {
namespace {

constexpr std::size_t kPiece = 1U << 20;

std::size_t read_at(int fd, std::span<std::byte> into, std::uint64_t offset) {
  while (true) {
    const auto got = ::pread(fd, into.data(), into.size(), static_cast<off_t>(offset));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) throw_errno("read");
  }
}

}  // namespace

std::optional<FileDigest> digest_of(int fd, std::uint64_t size, const std::stop_token& stop) {
  hub::ContentHasher sha256(hub::HashKind::kSha256, size);
  hub::ContentHasher sha1(hub::HashKind::kGitBlobSha1, size);
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  std::vector<std::byte> piece(std::min<std::uint64_t>(kPiece, size));
  for (std::uint64_t done = 0; done < size;) {
    const auto wanted = std::min<std::uint64_t>(piece.size(), size - done);
    const auto got = read_at(fd, std::span(piece).first(wanted), done);
    if (got == 0 || stop.stop_requested()) return std::nullopt;
    const auto bytes = std::span<const std::byte>(piece).first(got);
    sha256.update(bytes);
    sha1.update(bytes);
    done += got;
  }
  return FileDigest{sha256.finish(), sha1.finish()};
}

std::string read_start(int fd, std::size_t bytes) {
  std::string text(bytes, '\0');
  std::size_t done = 0;
  while (done < bytes) {
    const auto rest = std::as_writable_bytes(std::span(text)).subspan(done);
    const auto got = read_at(fd, rest, done);
    if (got == 0) break;
    done += got;
  }
  text.resize(done);
  return text;
}

}  // namespace neffs::fs
