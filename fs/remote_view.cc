#include "fs/remote_view.h"

#include <algorithm>
#include <array>
#include <utility>

#include "fs/layer.h"

namespace neffs::fs {
namespace {

constexpr const char* kNotInRepo = "not in the repo";

bool is_commit(std::string_view revision) {
  return revision.size() == 40 &&
         revision.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}
std::string commit_tree(const std::string& commit) {
  return "commit:" + commit;
}
std::string neff_kind(const hub::ContentId& content) {
  return "neff-kind:" + content.text();
}

}  // namespace

RemoteView::RemoteView(SourceName name, hub::RemoteRepo& repo, index::Index& index,
                       WorkerPool& pool)
    : name_(std::move(name)),
      is_pinned_(is_commit(name_.revision)),
      repo_(repo),
      index_(index),
      pool_(pool) {}

std::string RemoteView::commit() const {
  const std::lock_guard lock(mutex_);
  return commit_;
}

std::int64_t RemoteView::commit_time_s() const {
  const std::lock_guard lock(mutex_);
  return commit_time_s_;
}

SourceStatus RemoteView::status() const {
  const std::lock_guard lock(mutex_);
  SourceStatus status{name_, commit_, state_, -1, skipped_names_};
  if (checked_)
    status.checked_s_ago = std::chrono::duration<double>(Clock::now() - *checked_).count();
  return status;
}

std::vector<FolderSize> RemoteView::folder_sizes() const {
  std::vector<FolderSize> sizes;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [path, listing] : directories_)
      if (listing && locate(path).place == Place::kVersion)
        sizes.push_back({path, listing->children.size() + listing->skipped_names});
  }
  std::sort(sizes.begin(), sizes.end(),
            [](const auto& one, const auto& other) { return one.path < other.path; });
  return sizes;
}

// --- what can be said without asking --------------------------------------------------------------

std::optional<std::string> RemoteView::tree_id(const std::string& directory_path, bool& absent) {
  absent = false;
  if (directory_path.empty()) {
    const auto head = commit();
    return head.empty() ? std::nullopt : std::optional(commit_tree(head));
  }
  bool known = false;
  const auto parent = directory(std::string(parent_path(directory_path)), known);
  if (!known) return std::nullopt;
  if (parent) {
    const auto child = parent->children.find(base_name(directory_path));
    if (child != parent->children.end() && child->second.kind == RemoteName::Kind::kDirectory)
      return child->second.oid.empty() ? std::nullopt : std::optional(child->second.oid);
  }
  absent = true;
  return std::nullopt;
}

std::shared_ptr<const DirectoryListing> RemoteView::directory(const std::string& path,
                                                              bool& known) {
  known = true;
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = directories_.find(path); it != directories_.end()) return it->second;
  }
  const auto at = commit();
  bool absent = false;
  const auto id = tree_id(path, absent);
  if (absent) return nullptr;
  const auto rows = id ? index_.tree(*id, index::TreeDepth::kChildren) : std::nullopt;
  if (!rows) {
    known = false;
    return nullptr;
  }
  auto listing = std::make_shared<const DirectoryListing>(show_directory(path, *rows));
  const std::lock_guard lock(mutex_);
  if (commit_ != at) return listing;  // the answer of a moment ago
  const auto [it, is_new] = directories_.emplace(path, listing);
  if (is_new) skipped_names_ += listing->skipped_names;
  return it->second;
}

// By the listing of the folder that it would be in, if that is at hand.
bool RemoteView::is_absent_locked(std::string_view path) const {
  const auto folder = directories_.find(parent_path(path));
  if (folder == directories_.end()) return false;
  if (!folder->second) return true;
  const auto child = folder->second->children.find(base_name(path));
  return child == folder->second->children.end() ||
         child->second.kind != RemoteName::Kind::kDirectory;
}

std::shared_ptr<const ModuleListing> RemoteView::module(std::string_view path, bool& known) {
  known = true;
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = modules_.find(path); it != modules_.end()) return it->second;
    if (is_absent_locked(path)) return nullptr;
  }
  const std::string key(path);
  const auto at = commit();
  bool absent = false;
  const auto id = tree_id(key, absent);
  if (absent) return nullptr;
  const auto rows = id ? index_.tree(*id, index::TreeDepth::kEverything) : std::nullopt;
  known = rows.has_value();
  if (!known) return nullptr;
  auto listing = judge(key, *rows, {}, false, known);
  if (!known) return nullptr;
  return keep_module(key, std::move(listing), at);
}

// at: the commit that it is of; not kept if another one is shown by now
std::shared_ptr<const ModuleListing> RemoteView::keep_module(const std::string& path,
                                                             ModuleListing listing,
                                                             const std::string& at) {
  auto shared = std::make_shared<const ModuleListing>(std::move(listing));
  const std::lock_guard lock(mutex_);
  if (commit_ != at) return shared;
  if (modules_.insert_or_assign(path, shared).second) skipped_names_ += shared->skipped_names;
  return shared;
}

// may_ask: the one request that tells an old compiler's NEFF from the text of a failure
ModuleListing RemoteView::judge(const std::string& path,
                                const std::vector<index::TreeEntry>& entries,
                                const std::string& commit, bool may_ask, bool& known) {
  known = true;
  auto listing = show_module(path, entries);
  if (listing.verdict.state != ModuleState::kProbeNeff) return listing;
  const auto content = listing.names.at(std::string(kNeff)).content;
  auto kind = index_.tree(neff_kind(content), index::TreeDepth::kChildren);
  if (!kind && may_ask) {
    const auto start =
        repo_.read_start(commit, join_path(path, kNeff), kProbeBytes, Clock::now() + kListDeadline);
    index::TreeEntry fact;
    fact.path = is_failure_text(start) ? "text" : "binary";
    kind = std::vector{fact};
    index_.put_tree(neff_kind(content), index::TreeDepth::kChildren, *kind);
  }
  known = kind.has_value();
  if (!known) return listing;
  const bool is_text = !kind->empty() && kind->front().path == "text";
  listing.verdict.state = ModuleState::kFinished;
  if (is_text) hide(listing, {ModuleState::kFailed, "model.neff is the text of a failure"});
  return listing;
}

std::optional<RemoteName> RemoteView::peek(const std::string& path) {
  const auto at = locate(path);
  if (at.place == Place::kRoot) return RemoteName::directory({});
  if (is_lock(path)) return RemoteName::absent("locks of other hosts are never shown");
  if (at.place == Place::kTopLevel && is_reserved_root_name(path))
    return RemoteName::absent("the name belongs to neffs");
  bool known = false;
  if (at.place == Place::kModule || at.place == Place::kInsideModule) {
    const auto listing = module(at.module, known);
    if (!known) return std::nullopt;
    if (!listing) return RemoteName::absent(kNotInRepo);
    if (listing->verdict.state != ModuleState::kFinished)
      return RemoteName::absent(listing->verdict.why);
    if (at.place == Place::kModule) return RemoteName::directory({});
    const auto name = listing->names.find(at.inside);
    return name == listing->names.end() ? RemoteName::absent(kNotInRepo) : name->second;
  }
  const auto parent = directory(std::string(parent_path(path)), known);
  if (!known) return std::nullopt;
  if (!parent) return RemoteName::absent(kNotInRepo);
  const auto child = parent->children.find(base_name(path));
  return child == parent->children.end() ? RemoteName::absent(kNotInRepo) : child->second;
}

std::shared_ptr<const ModuleListing> RemoteView::peek_module(std::string_view path) {
  bool known = false;
  return module(path, known);
}

std::optional<std::vector<std::pair<std::string, RemoteName>>> RemoteView::peek_children(
    const std::string& path, bool judged) {
  std::vector<std::pair<std::string, RemoteName>> children;
  const auto at = locate(path);
  bool known = false;
  if (at.place == Place::kModule || at.place == Place::kInsideModule) {
    const auto listing = module(at.module, known);
    if (!known) return std::nullopt;
    if (!listing) return children;
    for (const auto& [name, shown] : listing->names)
      if (parent_path(name) == at.inside) children.emplace_back(base_name(name), shown);
    return children;
  }
  const auto listing = directory(path, known);
  if (!known) return std::nullopt;
  if (!listing) return children;
  std::shared_ptr<const std::map<std::string, bool>> finished;
  if (judged && at.place == Place::kVersion) {
    const std::lock_guard lock(mutex_);
    const auto it = finished_.find(path);
    if (it == finished_.end()) return std::nullopt;
    finished = it->second;
  }
  for (const auto& [name, shown] : listing->children) {
    const bool is_module = locate(join_path(path, name)).place == Place::kModule;
    if (is_module && shown.kind != RemoteName::Kind::kDirectory) continue;
    if (finished && is_module) {
      const auto it = finished->find(name);
      if (it == finished->end() || !it->second) continue;
    }
    children.emplace_back(name, shown);
  }
  return children;
}

}  // namespace neffs::fs
