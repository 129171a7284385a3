// Renaming: within the layer, after what only the source has was brought there.
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <spdlog/spdlog.h>

#include "fs/cache_fs.h"
#include "fs/durable.h"

namespace neffs::fs {

bool CacheFs::has_copies_at(const std::string& path) {
  const auto records = index_.layer_files_below(path);
  return std::any_of(records.begin(), records.end(),
                     [](const auto& file) { return file.origin == index::Origin::kCopy; });
}

bool CacheFs::is_copy(const std::string& path) {
  const auto record = index_.layer_file(path);
  return record && record->origin == index::Origin::kCopy;
}

// Nothing of the directory comes from a source, or would have to stay behind.
bool CacheFs::is_wholly_here(const std::string& directory) {
  return layer_.stat(directory) && !has_copies_at(directory) && !names_.shines_through(directory);
}

Found CacheFs::find_to_move(const std::string& path) {
  auto found = names_.find(path);
  if (found.kind == Found::Kind::kAbsent) throw_errno(ENOENT, "rename");
  if (found.kind == Found::Kind::kUnknown) throw_errno(ESTALE, "rename");
  if (S_ISDIR(found.st.st_mode) && !is_wholly_here(path)) throw_errno(EXDEV, "rename");
  return found;
}

void CacheFs::rename(NodeId from, const std::string& old_name, NodeId to,
                     const std::string& new_name, unsigned flags, const Caller& caller,
                     const ReplyPtr<Done>& reply) {
  try {
    const Renaming renaming{from,
                            old_name,
                            to,
                            new_name,
                            flags,
                            nodes_.child_path(from, old_name),
                            nodes_.child_path(to, new_name)};
    check_may_change(renaming.old_path);
    check_may_change(renaming.new_path);
    if ((flags & ~unsigned{RENAME_NOREPLACE | RENAME_EXCHANGE}) != 0) throw_errno(EINVAL, "rename");
    std::vector<std::string> missing;
    const auto move = [&](const std::string& path) {
      if (find_to_move(path).kind != Found::Kind::kRemote) return;
      for (auto& file : to_fetch_for(path)) missing.push_back(std::move(file));
    };
    move(renaming.old_path);
    if ((flags & RENAME_EXCHANGE) != 0) move(renaming.new_path);
    bring(missing, Clock::now() + hub_timeout_.load(), caller, reply,
          [this, renaming, caller, reply] {
            rename_here(renaming, caller);
            reply->ok({});
          });
  } catch (...) {
    reply->failed(std::current_exception());
  }
}

void CacheFs::rename_here(const Renaming& renaming, const Caller& caller) {
  const auto& [from, old_name, to, new_name, flags, old_path, new_path] = renaming;
  const bool exchanges = (flags & RENAME_EXCHANGE) != 0;
  const auto old_st = layer_.stat(old_path);
  const auto new_st = layer_.stat(new_path);
  if (!old_st) throw_errno(ENOENT, "rename");
  // Two names of one file: the disk does nothing then.
  if (flags == 0 && new_st && layer_id(*old_st) == layer_id(*new_st)) return;
  const auto target = names_.find(new_path);
  if ((flags & RENAME_NOREPLACE) != 0 && target.kind == Found::Kind::kRemote)
    throw_errno(EEXIST, "rename");
  const bool replaces_directory = !exchanges && S_ISDIR(target.st.st_mode);
  if (replaces_directory && S_ISDIR(old_st->st_mode) && !is_shown_empty(new_path))
    throw_errno(ENOTEMPTY, "rename");
  sync_before_mark(layer_, new_path);
  const bool hides_others = names_.hides_others(new_path);
  make_parent(new_path);
  auto replaced = new_st && !exchanges ? last_hold(new_path) : UniqueFd();
  const auto records = foretell_records(renaming);
  try {
    rename_in_layer(renaming);
  } catch (...) {
    move_records(renaming, records, false);
    throw;
  }
  if (S_ISDIR(old_st->st_mode)) names_.stands_for_itself(new_path);
  move_records(renaming, records, true);
  move_nodes(renaming, std::move(replaced));
  names_.touch(old_path);
  names_.touch(new_path);
  if (hides_others) forget_module_in_kernel(new_path);
  tell_used(new_path);
  if (listener_ == nullptr) return;
  if (exchanges) {
    listener_->changed(old_path);
    listener_->changed(new_path);
    return;
  }
  listener_->moved(old_path, new_path);
  if (is_lock(new_path)) listener_->lock_made(new_path, caller);
}

// The new name has its record before it has the file. Returns what has to be put back if that fails.
// An index that cannot be written stops nobody, unless a copy's record would stay behind.
CacheFs::Records CacheFs::foretell_records(const Renaming& renaming) {
  const auto& old_path = renaming.old_path;
  const auto& new_path = renaming.new_path;
  Records records;
  try {
    records.of_target = index_.layer_files_below(new_path);
    records.of_source = !index_.layer_files_below(old_path).empty();
    if (!records.of_source && records.of_target.empty()) return records;
    if ((renaming.flags & RENAME_EXCHANGE) == 0) {
      index_.foretell_move(old_path, new_path);
      return records;
    }
    for (const auto& path : {old_path, new_path})
      if (is_copy(path)) index_.mark_ours(path);
  } catch (const index::IndexError& error) {
    const auto is_copy_row = [](const auto& row) { return row.origin == index::Origin::kCopy; };
    if (std::any_of(records.of_target.begin(), records.of_target.end(), is_copy_row)) throw;
    spdlog::warn("{}: its record does not follow: {}", old_path, error.what());
  }
  return records;
}

// The rename has been done, or not: if its records cannot follow, those of the old name are of nothing.
void CacheFs::move_records(const Renaming& renaming, const Records& records, bool is_done) try {
  if (!records.of_source && records.of_target.empty()) return;
  if ((renaming.flags & RENAME_EXCHANGE) != 0) {
    if (is_done) index_.exchange_files(renaming.old_path, renaming.new_path);
  } else if (is_done) {
    index_.finish_move(renaming.old_path, renaming.new_path);
  } else {
    index_.recall_move(renaming.new_path, records.of_target);
  }
} catch (const index::IndexError& error) {
  spdlog::error("{}: its record does not follow: {}", renaming.new_path, error.what());
}

void CacheFs::rename_in_layer(const Renaming& renaming) {
  const auto& [from, old_name, to, new_name, flags, old_path, new_path] = renaming;
  const auto hold = whiteouts_.hold();
  const bool hidden = (flags & RENAME_EXCHANGE) == 0 && names_.white_out(old_path);
  const auto source = layer_.parent_of(old_path);
  const auto goal = layer_.parent_of(new_path);
  if (::renameat2(source.fd.get(), source.name.c_str(), goal.fd.get(), goal.name.c_str(), flags) ==
      0)
    return;
  const int error = errno;
  if (hidden) names_.drop_whiteout(old_path);
  throw_errno(error, "rename");
}

// replaced: what the new name stood for
void CacheFs::move_nodes(const Renaming& renaming, UniqueFd replaced) {
  const auto& [from, old_name, to, new_name, flags, old_path, new_path] = renaming;
  if ((flags & RENAME_EXCHANGE) != 0)
    nodes_.exchange(from, old_name, to, new_name);
  else
    lose_name(nodes_.rename(from, old_name, to, new_name), std::move(replaced));
}

}  // namespace neffs::fs
