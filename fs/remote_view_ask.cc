// How a RemoteView asks the Hub: one flight for however many callers, and what failures do.
#include <algorithm>
#include <array>
#include <utility>

#include "fs/layer.h"
#include "fs/remote_view.h"
#include "hub/hub_error.h"

namespace neffs::fs {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstBackOff{1000};
constexpr milliseconds kLongestBackOff{30'000};

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

void RemoteView::try_again() {
  const std::lock_guard lock(mutex_);
  back_off_.clear();
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
