#include "hub/seal.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <stdexcept>
#include <string>

namespace neffs::hub {
namespace {

struct MacDeleter {
  void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
};
struct ContextDeleter {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

const unsigned char* input(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

unsigned char* output(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

void require(bool is_good) {
  if (!is_good) throw std::runtime_error("OpenSSL could not seal");
}

Seal new_key() {
  Seal seal;
  require(RAND_bytes(output(seal.key), static_cast<int>(seal.key.size())) == 1);
  return seal;
}

}  // namespace

struct Sealer::State {
  Seal seal;
  std::unique_ptr<EVP_MAC_CTX, ContextDeleter> context;
};

Sealer::Sealer() : Sealer(new_key()) {}

Sealer::Sealer(const Seal& like) : state_(std::make_unique<State>()) {
  static const std::unique_ptr<EVP_MAC, MacDeleter> kMac(EVP_MAC_fetch(nullptr, "GMAC", nullptr));
  require(kMac != nullptr);
  state_->seal.key = like.key;
  state_->context.reset(EVP_MAC_CTX_new(kMac.get()));
  require(state_->context != nullptr);
  std::string cipher = "AES-128-GCM";
  std::array<unsigned char, 12> nonce{};  // the key is used for no other bytes
  const std::array parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_IV, nonce.data(), nonce.size()),
      OSSL_PARAM_construct_end()};
  require(EVP_MAC_init(state_->context.get(), input(like.key), like.key.size(),
                       parameters.data()) == 1);
}

Sealer::~Sealer() = default;
Sealer::Sealer(Sealer&&) noexcept = default;
Sealer& Sealer::operator=(Sealer&&) noexcept = default;

void Sealer::update(std::span<const std::byte> bytes) {
  require(EVP_MAC_update(state_->context.get(), input(bytes), bytes.size()) == 1);
}

Seal Sealer::finish() {
  auto& tag = state_->seal.tag;
  std::size_t length = 0;
  require(EVP_MAC_final(state_->context.get(), output(tag), &length, tag.size()) == 1 &&
          length == tag.size());
  return state_->seal;
}

}  // namespace neffs::hub
