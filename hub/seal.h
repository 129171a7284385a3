// How bytes are known again within a process, at an eighth of the price of SHA-256.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>

namespace neffs::hub {

// A MAC of some bytes under a random key of its own: whoever does not know the key, which never leaves
// the process, cannot make other bytes that fit. A plain value.
struct Seal {
  std::array<std::byte, 16> key{};
  std::array<std::byte, 16> tag{};

  friend bool operator==(const Seal&, const Seal&) = default;
};

// Seals bytes as they arrive: by GMAC, for which CPUs have instructions. One thread at a time. Throws
// std::runtime_error where OpenSSL fails.
class Sealer {
 public:
  // With a new key.
  Sealer();
  // With the key of a seal: the bytes are the same if finish() is equal to it.
  explicit Sealer(const Seal& like);
  ~Sealer();
  Sealer(Sealer&&) noexcept;
  Sealer& operator=(Sealer&&) noexcept;

  void update(std::span<const std::byte> bytes);
  // Of everything given so far; the sealer is spent afterwards.
  Seal finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace neffs::hub
