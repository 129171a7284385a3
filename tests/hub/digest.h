// Hashes, written independently of hub/content_id so that the test Hub can find its mistakes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace neffs::test {

enum class DigestKind { kMd5, kSha1, kSha256, kSha512 };

// Hashes bytes as they arrive. One thread at a time; throws std::runtime_error if OpenSSL fails.
class Digest {
 public:
  explicit Digest(DigestKind kind);
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  void update(std::string_view bytes);
  // Lower-case hex of everything given so far; the digest is spent afterwards.
  std::string hex();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::string digest_hex(DigestKind kind, std::string_view bytes);

std::string to_hex(std::string_view bytes);
// The inverse of to_hex; `hex` must be valid.
std::string from_hex(std::string_view hex);

std::string base64(std::string_view bytes);
// Throws std::invalid_argument for anything that base64() cannot have made.
std::string from_base64(std::string_view text);

}  // namespace neffs::test
