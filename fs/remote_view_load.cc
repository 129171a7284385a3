// What a RemoteView makes of the Hub's listings, and which of them are remembered.
#include <algorithm>
#include <iterator>
#include <utility>

#include <spdlog/spdlog.h>

#include "fs/layer.h"
#include "fs/remote_view.h"

namespace neffs::fs {
namespace {

constexpr std::uint64_t kLongText = 1U << 20;

// A listing that asked for the first bytes of every old NEFF would ask ten thousand times; texts of
// failures are not that long. Look-ups make sure of all of them.
bool may_be_failure_text(const std::vector<index::TreeEntry>& module) {
  return std::any_of(module.begin(), module.end(), [](const auto& entry) {
    return entry.path == kNeff && entry.size < kLongText;
  });
}

}  // namespace

std::vector<index::TreeEntry> RemoteView::list(const std::string& commit,
                                               const std::string& directory, hub::ListDepth depth,
                                               bool& found) {
  const auto entries = repo_.list(commit, directory, depth, Clock::now() + kListDeadline);
  found = entries.has_value();
  return found ? to_index(*entries) : std::vector<index::TreeEntry>();
}

void RemoteView::load_directory(const std::string& path, const std::string& commit) {
  bool found = false;
  const auto rows = list(commit, path, hub::ListDepth::kChildren, found);
  bool absent = false;
  if (const auto id = tree_id(path, absent); found && id)
    save(*id, index::TreeDepth::kChildren, rows);
  auto listing =
      found ? std::make_shared<const DirectoryListing>(show_directory(path, rows)) : nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (commit_ != commit) return;
    if (directories_.insert_or_assign(path, listing).second && listing)
      skipped_names_ += listing->skipped_names;
  }
  if (locate(path).place == Place::kVersion) save_modules_of(path);
}

void RemoteView::load_module(const std::string& path, const std::string& commit) {
  bool found = false;
  auto rows = list(commit, path, hub::ListDepth::kEverything, found);
  if (!found) {
    const std::lock_guard lock(mutex_);
    if (commit_ == commit) modules_.insert_or_assign(path, nullptr);
    return;
  }
  bool known = false;
  auto listing = judge(path, rows, commit, true, known);
  if (this->commit() != commit) return;
  keep_module(path, std::move(listing), commit);
  bool absent = false;
  if (const auto id = tree_id(path, absent)) {
    save(*id, index::TreeDepth::kEverything, rows);
    return;
  }
  if (absent) return;
  {
    const std::lock_guard lock(mutex_);
    unsaved_.insert_or_assign(path, std::move(rows));
  }
  // The folder's listing may have arrived in between.
  if (tree_id(path, absent)) save_modules_of(std::string(parent_path(path)));
}

void RemoteView::save_modules_of(const std::string& version) {
  std::vector<std::pair<std::string, std::vector<index::TreeEntry>>> ready;
  {
    const std::lock_guard lock(mutex_);
    for (auto it = unsaved_.begin(); it != unsaved_.end();) {
      if (parent_path(it->first) == version) {
        ready.emplace_back(it->first, std::move(it->second));
        it = unsaved_.erase(it);
      } else {
        ++it;
      }
    }
  }
  bool absent = false;
  for (const auto& [path, rows] : ready)
    if (const auto id = tree_id(path, absent)) save(*id, index::TreeDepth::kEverything, rows);
}

// What cannot be remembered is known in this life all the same.
void RemoteView::save(const std::string& tree_id, index::TreeDepth depth,
                      const std::vector<index::TreeEntry>& rows) {
  try {
    index_.put_tree(tree_id, depth, rows);
  } catch (const index::IndexError& error) {
    spdlog::warn("a listing is not remembered: {}", error.what());
  }
}

void RemoteView::load_everything(const std::string& version, const std::string& commit) {
  bool absent = false;
  const auto id = tree_id(version, absent);
  auto stored = id ? index_.tree(*id, index::TreeDepth::kEverything) : std::nullopt;
  bool found = stored.has_value();
  const bool fresh = !found;
  const auto rows =
      found ? std::move(*stored) : list(commit, version, hub::ListDepth::kEverything, found);
  if (fresh && found && id) save(*id, index::TreeDepth::kEverything, rows);
  std::vector<index::TreeEntry> children;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(children),
               [](const auto& row) { return row.path.find('/') == std::string::npos; });
  auto finished = std::make_shared<std::map<std::string, bool>>();
  std::vector<std::pair<std::string, std::shared_ptr<const ModuleListing>>> modules;
  for (const auto& [name, entries] : by_module(rows)) {
    auto path = join_path(version, name);
    if (locate(path).place != Place::kModule) continue;
    bool known = false;
    auto listing = std::make_shared<const ModuleListing>(
        judge(path, entries, commit, may_be_failure_text(entries), known));
    const auto state = known ? listing->verdict.state : ModuleState::kProbeNeff;
    (*finished)[name] = state == ModuleState::kFinished || state == ModuleState::kProbeNeff;
    if (state != ModuleState::kProbeNeff) modules.emplace_back(std::move(path), std::move(listing));
  }
  const std::lock_guard lock(mutex_);
  if (commit_ != commit) return;
  // Who lists a folder looks at what it shows.
  for (auto& [path, listing] : modules)
    if (modules_.try_emplace(path, listing).second) skipped_names_ += listing->skipped_names;
  finished_.insert_or_assign(version, std::move(finished));
  directories_.try_emplace(
      version, found ? std::make_shared<const DirectoryListing>(show_directory(version, children))
                     : nullptr);
}

}  // namespace neffs::fs
