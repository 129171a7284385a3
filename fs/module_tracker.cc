#include "fs/module_tracker.h"

#include <utility>

namespace neffs::fs {

bool ModuleTracker::changed(const std::string& path) {
  const auto at = locate(path);
  const bool is_in_module = at.place == Place::kModule || at.place == Place::kInsideModule;
  const bool is_registrys = published_ && is_in_registry(path);
  if (!is_in_module && !is_registrys && at.place != Place::kVersion) return false;
  const std::lock_guard lock(mutex_);
  if (is_in_module)
    changed_.emplace(at.module);
  else if (piece_of(path) == Piece::kRegistry)
    changed_.insert(path);
  else
    folders_.insert(path);
  return true;
}

void ModuleTracker::begin_scan() {
  for (const auto& entry : layer_.list_if_there(""))
    if (locate(entry.name).place == Place::kVersion)
      for (auto& path : tracked_in(entry.name)) unscanned_.push_back(std::move(path));
}

// A compiler folder, or one of a registry.
std::vector<std::string> ModuleTracker::tracked_in(const std::string& folder) const {
  std::vector<std::string> paths;
  if (published_ && is_in_registry(folder)) add_registry(folder, paths);
  if (locate(folder).place != Place::kVersion) return paths;
  for (const auto& entry : layer_.list_if_there(folder)) {
    auto path = join_path(folder, entry.name);
    if (locate(path).place == Place::kModule) paths.push_back(std::move(path));
  }
  if (published_) add_registry(join_path(folder, kRegistryName), paths);
  return paths;
}

void ModuleTracker::add_registry(const std::string& folder, std::vector<std::string>& paths) const {
  for (const auto& entry : layer_.list_if_there(folder)) {
    auto path = join_path(folder, entry.name);
    const auto st = layer_.stat(path);
    if (st && S_ISDIR(st->st_mode))
      add_registry(path, paths);
    else if (piece_of(path) == Piece::kRegistry)
      paths.push_back(std::move(path));
  }
}

// A folder was made, renamed or removed: what it has now, and what it had.
void ModuleTracker::expand_folders() {
  std::set<std::string> folders;
  {
    const std::lock_guard lock(mutex_);
    folders.swap(folders_);
  }
  if (folders.empty()) return;
  std::vector<std::string> paths;
  for (const auto& folder : folders)
    for (auto& path : tracked_in(folder)) paths.push_back(std::move(path));
  const std::lock_guard lock(mutex_);
  changed_.insert(paths.begin(), paths.end());
  for (const auto& folder : folders) {
    const auto below = folder + "/";
    for (auto it = modules_.lower_bound(below);
         it != modules_.end() && it->first.starts_with(below); ++it)
      changed_.insert(it->first);
  }
}

// False if nothing waits.
bool ModuleTracker::take_next(Step& step) {
  {
    const std::lock_guard lock(mutex_);
    if (!changed_.empty()) {
      step.module = std::move(changed_.extract(changed_.begin()).value());
      return true;
    }
  }
  if (unscanned_.empty()) return false;
  step.module = std::move(unscanned_.back());
  step.is_of_scan = true;
  unscanned_.pop_back();
  return true;
}

std::optional<ModuleTracker::Step> ModuleTracker::step() {
  expand_folders();
  if (unscanned_.empty()) is_scanned_ = true;
  Step next;
  if (!take_next(next)) return std::nullopt;
  try {
    auto step = look_at(next.module);
    step.is_of_scan = next.is_of_scan;
    remember(step);
    return step;
  } catch (...) {
    const std::lock_guard lock(mutex_);
    failed_.insert(next.module);
    throw;
  }
}

void ModuleTracker::remember(const Step& step) {
  const std::lock_guard lock(mutex_);
  if (step.now && step.now->whose != Whose::kCopy)
    modules_.insert_or_assign(step.module, *step.now);
  else
    modules_.erase(step.module);
}

bool ModuleTracker::is_changed(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  return !folders_.empty() || changed_.contains(path);
}

void ModuleTracker::try_again() {
  const std::lock_guard lock(mutex_);
  changed_.merge(failed_);
  failed_.clear();
}

void ModuleTracker::adopt(const std::string& module) {
  const std::lock_guard lock(mutex_);
  adopted_.insert(module);
  changed_.insert(module);
}

}  // namespace neffs::fs
