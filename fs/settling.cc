#include "fs/settling.h"

#include <algorithm>
#include <utility>

namespace neffs::fs {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::uint64_t bytes_of(const Sighting& sighting) {
  std::uint64_t bytes = 0;
  for (const auto& file : sighting.files) bytes += file.snapshot.size;
  return bytes;
}

std::string written_ago(std::chrono::steady_clock::duration quiet) {
  return "written to " + std::to_string(std::chrono::floor<seconds>(quiet).count()) + " s ago";
}

}  // namespace

milliseconds Settling::quiet_time(const Sighting& sighting) const {
  const bool is_traced = sighting.publishing.piece == Piece::kTraced;
  return is_traced ? std::max<milliseconds>(settle_, kTracedQuiet) : settle_;
}

void Settling::set_due(const std::string& path, Entry& entry, std::optional<Time> due) {
  if (entry.due) due_.erase({*entry.due, path});
  entry.due = due;
  if (due) due_.emplace(*due, path);
}

void Settling::set_settle(milliseconds settle) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(settle_, settle) == settle) return;
  for (auto& [path, entry] : entries_)
    if (entry.due && entry.trouble.empty())  // else it has a time of its own
      set_due(path, entry, entry.quiet_since + quiet_time(entry.sighting));
}

bool Settling::saw(const std::string& path, Sighting sighting, bool was_told, Time now) {
  const std::lock_guard lock(mutex_);
  const auto [found, is_new] = entries_.try_emplace(path);
  auto& entry = found->second;
  const bool is_same = !is_new && entry.sighting.files == sighting.files;
  // A clock that was set back makes files of the future: they are as good as written just now.
  const auto changed = now - std::max(sighting.age, std::chrono::nanoseconds(0));
  if (was_told)
    entry.quiet_since = now;
  else if (!is_same)
    entry.quiet_since = is_new ? changed : std::max(entry.quiet_since, changed);
  if (was_told || !is_same) entry.trouble.clear();
  entry.sighting = std::move(sighting);
  if (entry.sighting.publishing.state != PublishState::kReady) {
    set_due(path, entry, std::nullopt);
    return false;
  }
  const auto due = entry.quiet_since + quiet_time(entry.sighting);
  set_due(path, entry, due);
  return is_same && !was_told && due <= now;
}

void Settling::found_open(const std::string& path, Time now) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(path);
  if (found == entries_.end()) return;
  auto& entry = found->second;
  entry.quiet_since = now;
  entry.trouble = "open for writing";
  set_due(path, entry, now + std::max<milliseconds>(quiet_time(entry.sighting), kOfferAgain));
}

// It comes after those that are due by then, so that one that is never taken holds up nobody.
void Settling::refused(const std::string& path, Time now) {
  const std::lock_guard lock(mutex_);
  not_before_ = now + kOfferAgain;
  const auto found = entries_.find(path);
  if (found == entries_.end()) return;
  found->second.trouble = "it cannot be queued now";
  set_due(path, found->second, not_before_);
}

void Settling::drop(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(path);
  if (found == entries_.end()) return;
  set_due(path, found->second, std::nullopt);
  entries_.erase(found);
}

std::optional<std::string> Settling::due(Time now) const {
  const std::lock_guard lock(mutex_);
  if (due_.empty() || due_.begin()->first > now || now < not_before_) return std::nullopt;
  return due_.begin()->second;
}

std::optional<Settling::Time> Settling::next_due() const {
  const std::lock_guard lock(mutex_);
  if (due_.empty()) return std::nullopt;
  return std::max(due_.begin()->first, not_before_);
}

std::vector<WaitingUpload> Settling::waiting(Time now) const {
  const std::lock_guard lock(mutex_);
  std::vector<WaitingUpload> all;
  all.reserve(entries_.size());
  for (const auto& [path, entry] : entries_) {
    const auto& [publishing, files, age] = entry.sighting;
    WaitingUpload one{path, files.size(), bytes_of(entry.sighting), publishing.why,
                      publishing.state == PublishState::kFailed};
    if (publishing.state == PublishState::kReady)
      one.why = entry.trouble.empty() ? written_ago(now - entry.quiet_since) : entry.trouble;
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace neffs::fs
