// URLs that carry their own permission, as the machines that hold large files want them, and how
// those machines refuse.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/hub/exchange.h"

namespace neffs::test {

// `target` (path and at least one parameter, encoded) with Expires and Signature added: good for
// requests of this method ("GET" is good for HEAD too) until `expires`, Unix seconds.
std::string signed_target(const std::string& method, const std::string& target,
                          std::int64_t expires);

// Whether the request's URL is as signed_target() made it, for this method; and whether its time is
// over.
bool is_signed(const Request& request);
bool is_expired(const Request& request, std::int64_t now);

// What the storage refuses before it looks at anything else: URLs that are not good, and requests
// that bring a token as well.
std::optional<Answer> refuse_at_storage(const Request& request, std::int64_t now);

// An error in the storage's words: XML, no header of the Hub.
Answer storage_error(int status, const std::string& code, const std::string& message);

}  // namespace neffs::test
