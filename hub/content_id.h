// What the Hub promises about a file's bytes, and how bytes are checked against it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace neffs::hub {

// The Hub names the bytes of an LFS file by their SHA-256 and those of every other file by git's
// blob id, the SHA-1 of "blob <decimal length>\0<bytes>".
enum class HashKind { kGitBlobSha1, kSha256 };

// The identity of a file's bytes; two files with equal ids have equal bytes. A plain value.
struct ContentId {
  HashKind kind = HashKind::kGitBlobSha1;
  std::string hex;  // lower case, 40 or 64 digits

  // "sha1:<hex>" or "sha256:<hex>", the form in which ids are stored and shown.
  std::string text() const;
  // The inverse of text(); nullopt for anything else, wrong lengths and upper case included.
  static std::optional<ContentId> parse(std::string_view text);

  friend bool operator==(const ContentId&, const ContentId&) = default;
};

// The id of the empty file, which the Hub never stores in LFS: nothing needs to be fetched for it.
const ContentId& empty_content_id();

// Hashes bytes as they arrive. One thread at a time.
class ContentHasher {
 public:
  // size: the length that will have been given by finish(); git's id begins with it.
  // Throws std::runtime_error if OpenSSL has no such digest.
  ContentHasher(HashKind kind, std::uint64_t size);
  ~ContentHasher();
  ContentHasher(ContentHasher&&) noexcept;
  ContentHasher& operator=(ContentHasher&&) noexcept;

  void update(std::span<const std::byte> bytes);
  // The id of everything given so far; the hasher is spent afterwards.
  ContentId finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace neffs::hub
