#include "fs/remote_view.h"

#include <algorithm>
#include <array>
#include <utility>

#include "fs/layer.h"
#include "hub/hub_error.h"

namespace neffs::fs {
namespace {

using std::chrono::milliseconds;

// A listing that nobody waits for may take its time; who waits has a deadline of his own.
constexpr std::chrono::seconds kListDeadline{60};
constexpr milliseconds kFirstBackOff{1000};
constexpr milliseconds kLongestBackOff{30'000};
constexpr const char* kNotInRepo = "not in the repo";

std::string commit_tree(const std::string& commit) {
  return "commit:" + commit;
}
std::string neff_kind(const hub::ContentId& content) {
  return "neff-kind:" + content.text();
}

// What a failure says of the source as a whole; null if it concerns the one request only.
const char* source_state(hub::HubErrorKind kind) {
  switch (kind) {
    case hub::HubErrorKind::kUnavailable:
    case hub::HubErrorKind::kOffline:
      return "offline";
    case hub::HubErrorKind::kThrottled:
      return "throttled";
    case hub::HubErrorKind::kUnauthorized:
    case hub::HubErrorKind::kForbidden:
    case hub::HubErrorKind::kGated:
      return "auth";
    case hub::HubErrorKind::kRepoNotFound:
    case hub::HubErrorKind::kRevisionNotFound:
    case hub::HubErrorKind::kDisabled:
      return "missing";
    default:
      return nullptr;
  }
}

}  // namespace

RemoteView::RemoteView(SourceName name, hub::RemoteRepo& repo, index::Index& index,
                       WorkerPool& pool)
    : name_(std::move(name)), repo_(repo), index_(index), pool_(pool) {}

// --- the commit -----------------------------------------------------------------------------------

void RemoteView::use(const std::string& commit, std::int64_t time_s, bool checked) {
  const std::lock_guard lock(mutex_);
  if (checked) {
    checked_ = Clock::now();
    state_ = "ok";
    degraded_ = false;
    back_off_.clear();
  }
  if (commit_ == commit) return;
  commit_ = commit;
  commit_time_s_ = time_s;
  directories_.clear();
  modules_.clear();
  finished_.clear();
  unsaved_.clear();
}

void RemoteView::connect() {
  const auto known = index_.source(name_.endpoint, name_.repo, name_.revision);
  try {
    if (known && repo_.head() == known->commit) {
      use(known->commit, known->last_modified_s, true);
      return;
    }
    const auto info = repo_.info();
    const auto time_s = info.last_modified.time_since_epoch().count();
    index_.put_source({name_.endpoint, name_.repo, name_.revision, info.id, info.commit, time_s,
                       info.is_private});
    use(info.commit, time_s, true);
  } catch (const hub::HubError& error) {
    note_failure("", std::current_exception());
    if (hub::is_definite(error.kind)) throw;
    if (known) use(known->commit, known->last_modified_s, false);
  }
}

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
    const auto child = parent->children.find(std::string(base_name(directory_path)));
    if (child != parent->children.end() && child->second.kind == RemoteName::Kind::kDirectory)
      return child->second.oid;
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
  const auto [it, is_new] = directories_.emplace(path, listing);
  if (is_new) skipped_names_ += listing->skipped_names;
  return it->second;
}

std::shared_ptr<const ModuleListing> RemoteView::module(std::string_view path, bool& known) {
  known = true;
  const std::string key(path);
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = modules_.find(key); it != modules_.end()) return it->second;
  }
  bool absent = false;
  const auto id = tree_id(key, absent);
  if (absent) return nullptr;
  const auto rows = id ? index_.tree(*id, index::TreeDepth::kEverything) : std::nullopt;
  known = rows.has_value();
  if (!known) return nullptr;
  auto listing = judge(key, *rows, {}, false, known);
  if (!known) return nullptr;
  keep_module(key, std::move(listing));
  const std::lock_guard lock(mutex_);
  return modules_[key];
}

void RemoteView::keep_module(const std::string& path, ModuleListing listing) {
  auto shared = std::make_shared<const ModuleListing>(std::move(listing));
  const std::lock_guard lock(mutex_);
  if (modules_.insert_or_assign(path, shared).second) skipped_names_ += shared->skipped_names;
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
  const auto child = parent->children.find(std::string(base_name(path)));
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

// --- asking ---------------------------------------------------------------------------------------

std::string RemoteView::what_to_ask(const std::string& path) const {
  const auto at = locate(path);
  if (at.place == Place::kModule || at.place == Place::kInsideModule)
    return "m:" + std::string(at.module);
  return "d:" + std::string(parent_path(path));
}

void RemoteView::ask(const std::string& path, Done done) {
  const auto key = what_to_ask(path);
  fly(key, Urgency::kDemand, std::move(done));
  if (key.front() != 'm') return;
  // The folder's listing answers every later miss; until it is there, names are asked for singly.
  const auto version = std::string(parent_path(key).substr(2));
  bool known = false;
  directory(version, known);
  if (!known) fly("d:" + version, Urgency::kAhead, [](const std::exception_ptr&) {});
}

void RemoteView::ask_children(const std::string& path, bool judged, Done done) {
  const auto at = locate(path);
  if (at.place == Place::kModule || at.place == Place::kInsideModule)
    fly("m:" + std::string(at.module), Urgency::kDemand, std::move(done));
  else if (judged && at.place == Place::kVersion)
    fly("e:" + path, Urgency::kDemand, std::move(done));
  else
    fly("d:" + path, Urgency::kDemand, std::move(done));
}

void RemoteView::fly(const std::string& key, Urgency urgency, Done done) {
  bool is_new = false;
  bool refused = false;
  {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    if (const auto flight = flights_.find(key); flight != flights_.end()) {
      flight->second.waiting.push_back(std::move(done));
      return;
    }
    for (const auto& scope : {std::string(), key}) {
      const auto it = back_off_.find(scope);
      if (it == back_off_.end()) continue;
      refused = refused || it->second.until > now;
      if (!refused) it->second.until = now + it->second.delay;  // this one is the probe
    }
    if (!refused) {
      flights_[key].waiting.push_back(std::move(done));
      is_new = true;
    }
  }
  if (refused)
    done(std::make_exception_ptr(
        hub::HubError(hub::HubErrorKind::kUnavailable, "the Hub did not answer a moment ago")));
  if (is_new && !pool_.submit(urgency, [this, key] { run_flight(key); }))
    land(key, std::make_exception_ptr(
                  hub::HubError(hub::HubErrorKind::kCancelled, "neffs is shutting down")));
}

void RemoteView::run_flight(const std::string& key) {
  try {
    if (commit().empty()) connect();
    const auto head = commit();
    if (head.empty())
      throw hub::HubError(hub::HubErrorKind::kUnavailable, "the head of the repo is not known");
    const auto path = key.substr(2);
    if (key.front() == 'm')
      load_module(path, head);
    else if (key.front() == 'e')
      load_everything(path, head);
    else
      load_directory(path, head);
  } catch (...) {
    note_failure(key, std::current_exception());
    land(key, std::current_exception());
    return;
  }
  land(key, nullptr);
}

void RemoteView::land(const std::string& key, std::exception_ptr error) {
  std::vector<Done> waiting;
  {
    const std::lock_guard lock(mutex_);
    const auto it = flights_.find(key);
    if (it != flights_.end()) {
      waiting = std::move(it->second.waiting);
      flights_.erase(it);
    }
    if (!error) {
      degraded_ = false;
      state_ = "ok";
      back_off_.erase("");
      back_off_.erase(key);
    }
  }
  for (auto& done : waiting) done(error);
}

std::vector<index::TreeEntry> RemoteView::list(const std::string& commit, const std::string& path,
                                               hub::ListDepth depth, bool& found) {
  const auto entries = repo_.list(commit, path, depth, Clock::now() + kListDeadline);
  found = entries.has_value();
  return found ? to_index(*entries) : std::vector<index::TreeEntry>();
}

void RemoteView::load_directory(const std::string& path, const std::string& commit) {
  bool found = false;
  const auto rows = list(commit, path, hub::ListDepth::kChildren, found);
  bool absent = false;
  if (const auto id = tree_id(path, absent); found && id)
    index_.put_tree(*id, index::TreeDepth::kChildren, rows);
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
  keep_module(path, std::move(listing));
  bool absent = false;
  if (const auto id = tree_id(path, absent)) {
    index_.put_tree(*id, index::TreeDepth::kEverything, rows);
  } else if (!absent) {
    const std::lock_guard lock(mutex_);
    unsaved_.insert_or_assign(path, std::move(rows));
  }
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
    if (const auto id = tree_id(path, absent))
      index_.put_tree(*id, index::TreeDepth::kEverything, rows);
}

void RemoteView::load_everything(const std::string& version, const std::string& commit) {
  bool absent = false;
  const auto id = tree_id(version, absent);
  auto stored = id ? index_.tree(*id, index::TreeDepth::kEverything) : std::nullopt;
  bool found = stored.has_value();
  const bool fresh = !found;
  const auto rows =
      found ? std::move(*stored) : list(commit, version, hub::ListDepth::kEverything, found);
  if (fresh && found && id) index_.put_tree(*id, index::TreeDepth::kEverything, rows);
  std::vector<index::TreeEntry> children;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(children),
               [](const auto& row) { return row.path.find('/') == std::string::npos; });
  auto finished = std::make_shared<std::map<std::string, bool>>();
  for (const auto& [name, entries] : by_module(rows)) {
    const auto state = show_module(join_path(version, name), entries).verdict.state;
    (*finished)[name] = state == ModuleState::kFinished || state == ModuleState::kProbeNeff;
  }
  const std::lock_guard lock(mutex_);
  if (commit_ != commit) return;
  finished_.insert_or_assign(version, std::move(finished));
  directories_.try_emplace(
      version, found ? std::make_shared<const DirectoryListing>(show_directory(version, children))
                     : nullptr);
}

// --- when the Hub fails ---------------------------------------------------------------------------

void RemoteView::note_failure(const std::string& key, const std::exception_ptr& error) {
  const char* state = nullptr;
  try {
    std::rethrow_exception(error);
  } catch (const hub::HubError& hub_error) {
    if (hub_error.kind == hub::HubErrorKind::kCancelled) return;
    state = source_state(hub_error.kind);
  } catch (...) {
    state = nullptr;
  }
  const std::lock_guard lock(mutex_);
  auto& back_off = back_off_[state != nullptr ? std::string() : key];
  back_off.delay = std::clamp(back_off.delay * 2, kFirstBackOff, kLongestBackOff);
  back_off.until = Clock::now() + back_off.delay;
  if (state != nullptr) {
    state_ = state;
    degraded_ = true;
  }
}

bool RemoteView::is_worth_waiting() const {
  const std::lock_guard lock(mutex_);
  return !degraded_;
}

void RemoteView::note_slow() {
  const std::lock_guard lock(mutex_);
  degraded_ = true;
  auto& back_off = back_off_[""];
  back_off.delay = std::max(back_off.delay, kFirstBackOff);
  back_off.until = Clock::now() + back_off.delay;
}

}  // namespace neffs::fs
