// A copy, what the index promises of it, and its end.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <utility>

#include <spdlog/spdlog.h>

#include "fs/names.h"

namespace neffs::fs {

// The mark goes first, so that a crash in between leaves no module that looks finished.
void Names::remove_copies(std::vector<index::LayerFile> copies, Spare spare, const char* why) {
  std::stable_partition(copies.begin(), copies.end(),
                        [](const auto& file) { return base_name(file.path) == kDoneMark; });
  for (const auto& file : copies) remove_copy(file, spare, why);
}

bool Names::is_as_promised(const index::LayerFile& file) const {
  const auto st = layer_.stat(file.path);
  return st && S_ISREG(st->st_mode) && promise_of(*st) == CopyPromise{file.size, file.mtime_ns};
}

// What is no copy any more, because somebody wrote there while nothing was mounted, is spared.
// True if the file is gone.
bool Names::remove_copy(const index::LayerFile& file, Spare spare, const char* why) {
  const std::lock_guard claims(claims_);
  const auto record = index_.layer_file(file.path);
  if (!record || record->origin != index::Origin::kCopy) return false;  // a writer has claimed it
  const auto st = layer_.stat(file.path);
  const bool goes =
      is_as_promised(*record) || (spare == Spare::kNothing && st && S_ISREG(st->st_mode));
  if (goes) {
    spdlog::info("{}: the copy is removed, {}", file.path, why);
    const auto parent = layer_.parent_of(file.path);
    if (::unlinkat(parent.fd.get(), parent.name.c_str(), 0) != 0 && errno != ENOENT)
      throw_errno("unlink");
  }
  index_.forget_file(file.path);
  remove_empty_folders(file.path);
  return goes;
}

// Nobody is kept from writing because the index cannot be written, its disk being full, say: the file
// counts as one that was found here then. A copy's record must not stay, though.
void Names::mark_ours(const std::string& path) {
  std::optional<index::LayerFile> record;
  try {
    record = index_.layer_file(path);
    const bool is_ours = record && record->origin == index::Origin::kOurs && !record->is_queued;
    if (!is_ours) index_.mark_ours(path);
  } catch (const index::IndexError& error) {
    if (record) throw;
    spdlog::warn("{}: it is not remembered that it is ours: {}", path, error.what());
  }
}

bool Names::claim(const std::string& path, int fd) {
  if (is_lock(path)) return true;
  touch_output(path, std::nullopt);
  const std::lock_guard claims(claims_);
  mark_ours(path);
  struct stat open {};
  if (::fstat(fd, &open) != 0) throw_errno("fstat");
  const auto named = layer_.stat(path);
  const bool is_named = named && layer_id(*named) == layer_id(open);
  // Who has judged the module in between did not see this.
  touch_output(path, is_named ? std::optional(true) : std::nullopt);
  return is_named;
}

// A module's folder that nothing is left in would look like a module that was there.
void Names::remove_empty_folders(const std::string& path) {
  for (auto up = parent_path(path); !locate(up).module.empty(); up = parent_path(up)) {
    const std::string folder(up);
    if (!layer_.stat(folder)) continue;
    const auto parent = layer_.parent_of(folder);
    if (::unlinkat(parent.fd.get(), parent.name.c_str(), AT_REMOVEDIR) != 0) return;
  }
}

Names::CopyCheck Names::check_copy(const std::string& path, const struct stat& st) {
  auto record = index_.layer_file(path);
  const auto is_placed_copy = [&record] {
    return record && record->origin == index::Origin::kCopy &&
           record->placement == index::Placement::kPlaced;
  };
  // Also one that has its name and is about to be recorded so: who keeps it open keeps the promise.
  if (record && record->origin == index::Origin::kCopy &&
      promise_of(st) == CopyPromise{record->size, record->mtime_ns})
    return {Copy::kIntact, promise_of(st)};
  if (!is_placed_copy()) return {};
  {
    const std::lock_guard claims(claims_);  // its times may be changing this moment
    record = index_.layer_file(path);
    const auto now = layer_.stat(path);
    if (!is_placed_copy() || !now) return {};
    if (promise_of(*now) == CopyPromise{record->size, record->mtime_ns})
      return {Copy::kIntact, promise_of(*now)};
    if (!can_be_had_again(*record)) {
      spdlog::warn("{}: the copy was changed behind the mount, and stays as it is", path);
      index_.forget_file(path);
      return {};
    }
  }
  spdlog::warn("{}: the copy was changed behind the mount, it is fetched again", path);
  remove_copies(with_its_mark(*record), Spare::kNothing);
  return {Copy::kDamaged, std::nullopt};
}

// A module whose mark is there is finished: what goes of it goes with the mark.
std::vector<index::LayerFile> Names::with_its_mark(const index::LayerFile& damaged) {
  const auto at = locate(damaged.path);
  if (at.place != Place::kInsideModule) return {damaged};
  const auto mark = index_.layer_file(join_path(at.module, kDoneMark));
  if (!mark)  // its directory alone says that it is whole
    return index_.layer_files_below(std::string(at.module));
  if (mark->path == damaged.path) return {damaged};
  return {damaged, *mark};
}

// Below a deletion it would stay hidden: a module that was made again and pushed lies over one.
bool Names::can_be_had_again(const index::LayerFile& file) {
  auto* const from = source_of(file);
  if (from == nullptr || !from->is_worth_waiting() || is_deleted(file.path)) return false;
  const auto remote = from->peek(file.path);
  return remote && remote->kind == RemoteName::Kind::kFile &&
         remote->content.text() == file.content;
}

void Names::change_copy(const std::string& path, const std::function<void()>& change) {
  const std::lock_guard claims(claims_);
  change();
  if (const auto st = layer_.stat(path))
    index_.place_copy(path, static_cast<std::uint64_t>(st->st_size), mtime_ns(*st));
}

}  // namespace neffs::fs
