// Which commit a RemoteView shows, and how it goes from one to the next.
#include <spdlog/spdlog.h>

#include <utility>

#include "fs/layer.h"
#include "fs/remote_view.h"
#include "fs/unix_time.h"
#include "hub/hub_error.h"

namespace neffs::fs {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr seconds kToTellChanges{20};
// Without knowing what has changed, everything is listed again: ten pages for a large folder.
constexpr minutes kBetweenListingsAnew{10};
// So long after a commit a Hub may still tell the head before it.
constexpr seconds kOldHeads{60};

}  // namespace

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
  forget_all_locked();
}

void RemoteView::forget_all_locked() {
  directories_.clear();
  modules_.clear();
  finished_.clear();
  unsaved_.clear();
}

void RemoteView::remember_source(const std::string& commit, std::int64_t time_s) {
  auto record = index_.source(name_.endpoint, name_.repo, name_.revision);
  if (!record) return;
  record->commit = commit;
  record->last_modified_s = time_s;
  index_.put_source(*record);
}

void RemoteView::leave_locked(const std::string& commit, std::int64_t time_s) {
  const auto now = Clock::now();
  std::erase_if(left_, [now](const auto& one) { return one.second <= now; });
  left_.insert_or_assign(commit_, now + kOldHeads);
  left_.erase(commit);
  commit_ = commit;
  commit_time_s_ = time_s;
  checked_ = now;
}

// --- a commit of our own --------------------------------------------------------------------------

bool RemoteView::take_over(const std::string& parent, const std::string& commit,
                           const std::vector<Added>& added) {
  const auto time_s = now_s();
  bool is_next = false;
  {
    const std::lock_guard lock(mutex_);
    if (commit_ == commit) return true;
    is_next = commit_ == parent;
    leave_locked(commit, time_s);
    if (is_next) {
      // The Hub itself writes into this file with a commit of large ones.
      std::vector<hub::ChangedPath> changes{{".gitattributes", false}};
      for (const auto& one : added) changes.push_back({one.path, false});
      change_locked(changes);
      for (const auto& [path, is_whole, files] : added)
        if (is_whole && locate(path).place == Place::kModule)
          modules_.emplace(path, std::make_shared<const ModuleListing>(show_module(path, files)));
    } else {
      left_.clear();  // what was shown may be newer than our own commit
      forget_all_locked();
    }
  }
  remember_source(commit, time_s);
  return is_next;
}

// What has changed has to be asked for again; all else is as it was. The names of a folder stay known
// when something below one of them has changed, but not the ids of what they name.
void RemoteView::change_locked(const std::vector<hub::ChangedPath>& changes) {
  unsaved_.clear();
  std::map<std::string, std::set<std::string>> changed;  // names by folder
  for (const auto& [path, is_removed] : changes) {
    const auto at = locate(path);
    const bool in_module = at.place == Place::kModule || at.place == Place::kInsideModule;
    std::string_view name = in_module ? at.module : parent_path(path);
    if (in_module) {
      modules_.erase(std::string(at.module));
      finished_.erase(std::string(parent_path(at.module)));
    } else {
      directories_.erase(std::string(name));
    }
    for (; !name.empty(); name = parent_path(name)) {
      const std::string folder(parent_path(name));
      if (is_removed && !in_module)
        directories_.erase(folder);  // the last file of a folder takes it along
      else
        changed[folder].emplace(base_name(name));
    }
  }
  for (const auto& [folder, names] : changed) forget_ids_locked(folder, names);
}

void RemoteView::forget_ids_locked(const std::string& folder, const std::set<std::string>& names) {
  const auto it = directories_.find(folder);
  if (it == directories_.end()) return;
  auto listing = it->second ? std::make_shared<DirectoryListing>(*it->second)
                            : std::make_shared<DirectoryListing>();
  for (const auto& name : names) {
    if (is_hostile_name(name, folder.empty())) continue;
    listing->children.insert_or_assign(name, RemoteName::directory({}));
  }
  it->second = std::move(listing);
}

// --- commits of others ----------------------------------------------------------------------------

bool RemoteView::is_fresh(std::chrono::milliseconds within) const {
  const std::lock_guard lock(mutex_);
  if (is_pinned_) return !commit_.empty();
  return checked_ && Clock::now() - *checked_ <= within;
}

void RemoteView::ask_head(Done done) {
  if (is_pinned_ && !commit().empty()) {
    done(nullptr);
    return;
  }
  fly("h:", Urgency::kDemand, std::move(done));
}

bool RemoteView::is_behind_locked(const std::string& head) {
  const auto it = left_.find(head);
  return it != left_.end() && it->second > Clock::now();
}

void RemoteView::follow_head() {
  const auto head = repo_.head();
  std::string from;
  bool may_list_anew = false;
  {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    if (head == commit_ || is_behind_locked(head)) {
      checked_ = now;
      return;
    }
    from = commit_;
    may_list_anew = !listed_anew_ || now - *listed_anew_ >= kBetweenListingsAnew;
  }
  std::optional<std::vector<hub::ChangedPath>> changes;
  try {
    changes = repo_.changes(from, head, Clock::now() + kToTellChanges);
  } catch (const hub::HubError& error) {
    if (error.kind == hub::HubErrorKind::kCancelled) throw;
    spdlog::debug("what has changed in {} is not told: {}", name_.repo, error.what());
  }
  if (changes || may_list_anew) go_to(from, head, changes);
}

void RemoteView::go_to(const std::string& from, const std::string& head,
                       const std::optional<std::vector<hub::ChangedPath>>& changes) {
  const auto time_s = now_s();
  {
    const std::lock_guard lock(mutex_);
    if (commit_ != from) return;  // a commit of our own came between
    leave_locked(head, time_s);
    if (changes) {
      change_locked(*changes);
    } else {
      listed_anew_ = checked_;
      forget_all_locked();
    }
  }
  remember_source(head, time_s);
  spdlog::info("{} is at {} now", name_.repo, head.substr(0, 12));
  if (moved_) moved_();
}

}  // namespace neffs::fs
