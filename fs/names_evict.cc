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
    try {
      index_.forget_file(file.path);
    } catch (const index::IndexError& error) {
      if (error.kind != index::IndexErrorKind::kNoSpace) throw;
      continue;  // the next time: what is in the way of making room must not be the want of it
    }
    bytes += file.size;
  }
  return bytes;
}

std::vector<index::LayerFile> Names::evict(const std::string& path) {
  const auto at = locate(path);
  if (!at.module.empty() && is_wholly_local(at.module)) return {};
  auto copies = placed_copies(path);
  std::erase_if(copies, [this](const auto& file) { return !layer_.stat(file.path); });
  const bool can_go = std::all_of(copies.begin(), copies.end(), [this](const auto& file) {
    return is_as_promised(file) && can_be_had_again(file);
  });
  if (!can_go) return {};
  std::stable_partition(copies.begin(), copies.end(),
                        [](const auto& file) { return base_name(file.path) == kDoneMark; });
  // A disk that is full to the last byte has no room for what the index notes: the mark is empty, so that
  // its record goes when the files after it have made some.
  const auto remove = [this](const index::LayerFile& file) {
    try {
      return remove_copy(file, Spare::kChanged, "to make room");
    } catch (const index::IndexError& error) {
      if (error.kind != index::IndexErrorKind::kNoSpace || layer_.stat(file.path)) throw;
      return true;
    }
  };
  std::vector<index::LayerFile> gone;
  try {
    for (const auto& file : copies)
      if (remove(file)) gone.push_back(file);
    if (!gone.empty()) forget_vanished(path);
  } catch (const std::exception& error) {  // what is gone by then is told all the same
    spdlog::warn("{}: not all of it could be removed: {}", path, error.what());
  }
  return gone;
}

std::vector<index::LayerFile> Names::drop_damaged(const index::LayerFile& file) {
  const auto at = locate(file.path);
  if (!at.module.empty() && is_wholly_local(at.module)) return {};
  if (index_.layer_file(file.path) != file || !can_be_had_again(file)) return {};
  auto gone = with_its_mark(file);
  remove_copies(gone, Spare::kNothing, "its bytes are damaged");
  return gone;
}

}  // namespace neffs::fs
