// Whether bytes are those that they are said to be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "hub/content_id.h"
#include "hub/seal.h"

namespace neffs::hub {

// By the seal that they got when they were found to be `content`, or without one by their hash. One thread
// at a time; throws what ContentHasher and Sealer throw.
class ContentCheck {
 public:
  ContentCheck(const ContentId& content, std::uint64_t size, const std::optional<Seal>& seal);

  void update(std::span<const std::byte> bytes);
  // Of everything given so far; the check is spent afterwards.
  bool finish();

 private:
  const ContentId content_;
  const std::optional<Seal> seal_;
  std::variant<ContentHasher, Sealer> by_;
};

}  // namespace neffs::hub
