// Files as they are sent and hashed: piece by piece, from a descriptor.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "hub/content_id.h"
#include "hub/http_client.h"
#include "hub/seal.h"

namespace neffs::hub {

// A stretch of a file. Reading throws HubError kLocal on an I/O error and where the file is shorter
// than promised. The descriptor is the caller's, must outlive this, and its offset is not used.
class FileBody final : public BodySource {
 public:
  FileBody(int fd, std::uint64_t offset, std::uint64_t size);

  std::uint64_t size() const override { return size_; }
  std::string read(std::size_t most) override;

 private:
  const int fd_;
  const std::uint64_t offset_;
  const std::uint64_t size_;
  std::uint64_t done_ = 0;
};

// The first `size` bytes. Throws what reading throws.
std::string read_start(int fd, std::uint64_t size);

// The id of this kind of the first `size` bytes. Throws what reading throws, and kCancelled soon after
// `stop` asks.
ContentId hash_file(int fd, std::uint64_t size, HashKind kind, const std::stop_token& stop);

// The same, and a seal by which the bytes are known again.
struct SealedContent {
  ContentId content;
  Seal seal;
};
SealedContent seal_file(int fd, std::uint64_t size, HashKind kind, const std::stop_token& stop);

// Whether those bytes are still `content`, by the seal if there is one. Throws the same.
bool holds_content(int fd, std::uint64_t size, const ContentId& content,
                   const std::stop_token& stop, const std::optional<Seal>& seal = {});

}  // namespace neffs::hub
