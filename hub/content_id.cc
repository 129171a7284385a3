#include "hub/content_id.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace neffs::hub {
namespace {

constexpr std::string_view kSha1Prefix = "sha1:";
constexpr std::string_view kSha256Prefix = "sha256:";

bool is_lower_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::size_t digits_of(HashKind kind) {
  return kind == HashKind::kGitBlobSha1 ? 40 : 64;
}

std::optional<ContentId> id_of(HashKind kind, std::string_view hex) {
  if (hex.size() != digits_of(kind) || !is_lower_hex(hex)) return std::nullopt;
  return ContentId{kind, std::string(hex)};
}

std::string hex_of(std::span<const unsigned char> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const unsigned char byte : bytes) {
    hex += kDigits[byte >> 4U];
    hex += kDigits[byte & 0xFU];
  }
  return hex;
}

struct ContextDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

}  // namespace

std::string ContentId::text() const {
  const auto prefix = kind == HashKind::kGitBlobSha1 ? kSha1Prefix : kSha256Prefix;
  return std::string(prefix) + hex;
}

std::optional<ContentId> ContentId::parse(std::string_view text) {
  if (text.starts_with(kSha1Prefix)) {
    return id_of(HashKind::kGitBlobSha1, text.substr(kSha1Prefix.size()));
  }
  if (text.starts_with(kSha256Prefix)) {
    return id_of(HashKind::kSha256, text.substr(kSha256Prefix.size()));
  }
  return std::nullopt;
}

const ContentId& empty_content_id() {
  static const ContentId kEmpty = ContentHasher(HashKind::kGitBlobSha1, 0).finish();
  return kEmpty;
}

struct ContentHasher::State {
  HashKind kind;
  std::unique_ptr<EVP_MD_CTX, ContextDeleter> context{EVP_MD_CTX_new()};
};

ContentHasher::ContentHasher(HashKind kind, std::uint64_t size)
    : state_(std::make_unique<State>(State{kind})) {
  const EVP_MD* digest = kind == HashKind::kGitBlobSha1 ? EVP_sha1() : EVP_sha256();
  if (!state_->context || EVP_DigestInit_ex(state_->context.get(), digest, nullptr) != 1) {
    throw std::runtime_error("OpenSSL offers no SHA-1 or SHA-256 here");
  }
  if (kind == HashKind::kGitBlobSha1) {
    const std::string header = "blob " + std::to_string(size);
    // git's header ends with its NUL, which c_str() has.
    update(std::as_bytes(std::span(header.c_str(), header.size() + 1)));
  }
}

ContentHasher::~ContentHasher() = default;
ContentHasher::ContentHasher(ContentHasher&&) noexcept = default;
ContentHasher& ContentHasher::operator=(ContentHasher&&) noexcept = default;

void ContentHasher::update(std::span<const std::byte> bytes) {
  if (EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) != 1) {
    throw std::runtime_error("OpenSSL could not hash");
  }
}

ContentId ContentHasher::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (EVP_DigestFinal_ex(state_->context.get(), digest.data(), &length) != 1) {
    throw std::runtime_error("OpenSSL could not hash");
  }
  return {state_->kind, hex_of(std::span(digest).first(length))};
}

}  // namespace neffs::hub
