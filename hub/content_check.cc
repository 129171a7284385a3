#include "hub/content_check.h"

namespace neffs::hub {
namespace {

std::variant<ContentHasher, Sealer> way_to_check(const ContentId& content, std::uint64_t size,
                                                 const std::optional<Seal>& seal) {
  if (seal) return Sealer(*seal);
  return ContentHasher(content.kind, size);
}

}  // namespace

ContentCheck::ContentCheck(const ContentId& content, std::uint64_t size,
                           const std::optional<Seal>& seal)
    : content_(content), seal_(seal), by_(way_to_check(content, size, seal)) {}

void ContentCheck::update(std::span<const std::byte> bytes) {
  std::visit([&](auto& by) { by.update(bytes); }, by_);
}

bool ContentCheck::finish() {
  if (seal_) return std::get<Sealer>(by_).finish() == *seal_;
  return std::get<ContentHasher>(by_).finish() == content_;
}

}  // namespace neffs::hub
