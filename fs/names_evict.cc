// Copies that make room.
#include <algorithm>
#include <chrono>
#include <cstring>

#include "fs/cache_layout.h"
#include "fs/names.h"

namespace neffs::fs {
namespace {

constexpr std::chrono::minutes kLately{5};

bool has_told_lately(const RemoteView& view) {
  const auto status = view.status();
  return std::strcmp(status.state, "ok") == 0 && status.checked_s_ago >= 0 &&
         (view.is_pinned() || view.is_fresh(kLately));
}

}  // namespace

RemoteView* Names::source_of_copies(const std::string& path) {
  for (const auto& file : index_.layer_files_below(path))
    if (file.origin == index::Origin::kCopy) return source_of(file);
  return nullptr;
}

std::vector<index::LayerFile> Names::evict(const std::string& path) {
  const auto at = locate(path);
  if (!at.module.empty() && is_wholly_local(at.module)) return {};
  auto copies = index_.layer_files_below(path);
  std::erase_if(copies, [](const auto& file) {
    return file.origin != index::Origin::kCopy || file.placement != index::Placement::kPlaced;
  });
  const bool can_go = std::all_of(copies.begin(), copies.end(), [this](const auto& file) {
    const auto* from = source_of(file);
    return from != nullptr && has_told_lately(*from) && can_be_had_again(file);
  });
  if (!can_go) return {};
  std::stable_partition(copies.begin(), copies.end(),
                        [](const auto& file) { return base_name(file.path) == kDoneMark; });
  std::erase_if(copies, [this](const auto& file) {
    return !remove_copy(file, Spare::kChanged, "to make room");
  });
  return copies;
}

}  // namespace neffs::fs
