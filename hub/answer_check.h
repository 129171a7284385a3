// Whether an answer with file content keeps what the tree promised: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "hub/content_id.h"
#include "hub/http_client.h"

namespace neffs::hub {

// Each returns what is wrong, in words for a message, or nullopt.

// A 206 to `Range: bytes=begin-(end-1)` of a file of `size` bytes.
std::optional<std::string> fault_of_partial(const Headers& headers, std::uint64_t begin,
                                            std::uint64_t end, std::uint64_t size);
// A 200: the whole file, whatever was asked for.
std::optional<std::string> fault_of_whole(const Headers& headers, std::uint64_t size);
// A redirect of the Hub to the storage of a large file, which carries the file's identity.
std::optional<std::string> fault_of_link(const Headers& headers, std::uint64_t size,
                                         const ContentId& content);

}  // namespace neffs::hub
