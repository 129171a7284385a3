// Copies that make room.
#include <algorithm>
#include <exception>

#include <spdlog/spdlog.h>

#include "fs/cache_layout.h"
#include "fs/names.h"

namespace neffs::fs {

std::vector<index::LayerFile> Names::placed_copies(const std::string& path) {
  auto copies = index_.layer_files_below(path);
  std::erase_if(copies, [](const auto& file) {
    return file.origin != index::Origin::kCopy || file.placement != index::Placement::kPlaced;
  });
  return copies;
}

RemoteView* Names::source_of_copies(const std::string& path) {
  const auto copies = placed_copies(path);
  return copies.empty() ? nullptr : source_of(copies.front());
}

std::uint64_t Names::forget_vanished(const std::string& path) {
  std::uint64_t bytes = 0;
  for (const auto& file : placed_copies(path)) {
    const std::lock_guard claims(claims_);
    if (layer_.stat(file.path) || index_.layer_file(file.path) != file) continue;
    index_.forget_file(file.path);
    bytes += file.size;
  }
  return bytes;
}

std::vector<index::LayerFile> Names::evict(const std::string& path) {
  const auto at = locate(path);
  if (!at.module.empty() && is_wholly_local(at.module)) return {};
  auto copies = placed_copies(path);
  const bool can_go = std::all_of(copies.begin(), copies.end(), [this](const auto& file) {
    return is_as_promised(file) && can_be_had_again(file);
  });
  if (!can_go) return {};
  std::stable_partition(copies.begin(), copies.end(),
                        [](const auto& file) { return base_name(file.path) == kDoneMark; });
  std::vector<index::LayerFile> gone;
  try {
    for (const auto& file : copies)
      if (remove_copy(file, Spare::kChanged, "to make room")) gone.push_back(file);
  } catch (const std::exception& error) {  // what is gone by then is told all the same
    spdlog::warn("{}: not all of it could be removed: {}", path, error.what());
  }
  return gone;
}

std::vector<index::LayerFile> Names::drop_damaged(const index::LayerFile& file) {
  const auto at = locate(file.path);
  if (!at.module.empty() && is_wholly_local(at.module)) return {};
  if (index_.layer_file(file.path) != file || !can_be_had_again(file)) return {};
  const auto gone = with_its_mark(file);
  remove_copies(gone, Spare::kNothing, "its bytes are damaged");
  return gone;
}

}  // namespace neffs::fs
