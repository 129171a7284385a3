// Both ids that the Hub may name a file by, in one reading.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "hub/content_id.h"

namespace neffs::fs {

struct FileDigest {
  hub::ContentId sha256;
  hub::ContentId sha1;
};

// Reads `size` bytes of an open file from its beginning; its offset is not moved. nullopt if it is
// shorter or was asked to stop. Throws std::system_error.
std::optional<FileDigest> digest_of(int fd, std::uint64_t size, const std::stop_token& stop);

// The first bytes of an open file, fewer of a shorter one. Throws std::system_error.
std::string read_start(int fd, std::size_t bytes);

}  // namespace neffs::fs
