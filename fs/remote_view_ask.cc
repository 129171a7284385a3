// How a RemoteView asks the Hub: one flight for however many callers, and what failures do.
#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include <spdlog/spdlog.h>

#include "fs/layer.h"
#include "fs/remote_view.h"
#include "hub/hub_error.h"

namespace neffs::fs {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstBackOff{1000};
constexpr milliseconds kLongestBackOff{30'000};
constexpr std::uint64_t kLongText = 1U << 20;

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

// A listing that asked for the first bytes of every old NEFF would ask ten thousand times; texts of
// failures are not that long. Look-ups make sure of all of them.
bool may_be_failure_text(const std::vector<index::TreeEntry>& module) {
  return std::any_of(module.begin(), module.end(), [](const auto& entry) {
    return entry.path == kNeff && entry.size < kLongText;
  });
}

}  // namespace

// --- asking ---------------------------------------------------------------------------------------

std::string RemoteView::what_to_ask(const std::string& path) const {
  const auto at = locate(path);
  if (at.place == Place::kModule || at.place == Place::kInsideModule)
    return "m:" + std::string(at.module);
  return "d:" + std::string(parent_path(path));
}

void RemoteView::ask(const std::string& path, Done done) {
  if (peek(path)) {  // a flight has landed since the caller looked, or an earlier life knew it
    done(nullptr);
    return;
  }
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
  if (peek_children(path, judged)) {
    done(nullptr);
    return;
  }
  const auto at = locate(path);
  if (at.place == Place::kModule || at.place == Place::kInsideModule)
    fly("m:" + std::string(at.module), Urgency::kDemand, std::move(done));
  else if (judged && at.place == Place::kVersion)
    fly("e:" + path, Urgency::kDemand, std::move(done));
  else
    fly("d:" + path, Urgency::kDemand, std::move(done));
}

void RemoteView::fly(const std::string& key, Urgency urgency, Done done) {
  switch (board(key, done)) {
    case Boarding::kWaits:
      return;
    case Boarding::kRefused:
      done(std::make_exception_ptr(
          hub::HubError(hub::HubErrorKind::kUnavailable, "the Hub did not answer a moment ago")));
      return;
    case Boarding::kTakesOff:
      if (!pool_.submit(urgency, [this, key] { run_flight(key); }))
        land(key, std::make_exception_ptr(
                      hub::HubError(hub::HubErrorKind::kCancelled, "neffs is shutting down")));
  }
}

// kRefused leaves `done` to the caller.
RemoteView::Boarding RemoteView::board(const std::string& key, Done& done) {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  if (const auto flight = flights_.find(key); flight != flights_.end()) {
    flight->second.waiting.push_back(std::move(done));
    return Boarding::kWaits;
  }
  const std::array scopes{back_off_.find(""), back_off_.find(key)};
  for (const auto& scope : scopes)
    if (scope != back_off_.end() && scope->second.until > now) return Boarding::kRefused;
  for (const auto& scope : scopes)  // this one is the probe
    if (scope != back_off_.end()) scope->second.until = now + scope->second.delay;
  flights_[key].waiting.push_back(std::move(done));
  return Boarding::kTakesOff;
}

void RemoteView::run_flight(const std::string& key) {
  try {
    const bool is_first = commit().empty();
    if (is_first) connect();
    const auto head = commit();
    if (head.empty())
      throw hub::HubError(hub::HubErrorKind::kUnavailable, "the head of the repo is not known");
    const auto path = key.substr(2);
    switch (key.front()) {
      case 'h':
        if (!is_first) follow_head();
        break;
      case 'm':
        load_module(path, head);
        break;
      case 'e':
        load_everything(path, head);
        break;
      default:
        load_directory(path, head);
    }
  } catch (...) {
    note_failure(key, std::current_exception());
    land(key, std::current_exception());
    return;
  }
  land(key, nullptr);
}

void RemoteView::land(const std::string& key, const std::exception_ptr& error) {
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

// --- when the Hub fails ---------------------------------------------------------------------------

void RemoteView::note_failure(const std::string& key, const std::exception_ptr& error) {
  const char* state = nullptr;
  try {
    std::rethrow_exception(error);
  } catch (const hub::HubError& hub_error) {
    if (hub_error.kind == hub::HubErrorKind::kCancelled) return;
    state = source_state(hub_error.kind);
    // Where the head should be, it means that this is not the Hub: a captive portal, a proxy.
    const bool is_about_head = key.empty() || key == "h:";
    if (is_about_head && hub_error.kind == hub::HubErrorKind::kInvalidAnswer) state = "offline";
  } catch (...) {
    state = nullptr;
  }
  const std::lock_guard lock(mutex_);
  auto& back_off = back_off_[state != nullptr ? std::string() : key];
  back_off.delay = std::clamp(back_off.delay * 2, kFirstBackOff, kLongestBackOff);
  back_off.until = Clock::now() + back_off.delay;  // hub/ waits longer where it was asked to
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
  if (std::string_view(state_) == "ok")
    state_ = "offline";  // as long as look-ups are misses for it
  auto& back_off = back_off_[""];
  back_off.delay = std::max(back_off.delay, kFirstBackOff);
  back_off.until = Clock::now() + back_off.delay;
}

}  // namespace neffs::fs
