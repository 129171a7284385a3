#include "mount-helper/plain_cache.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "fs/cache_layout.h"
#include "fs/publishable.h"
#include "fs/settling.h"

namespace neffs::mount_helper {
namespace {

using fs::PublishState;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

milliseconds quiet_time(fs::Piece piece, milliseconds settle) {
  return piece == fs::Piece::kTraced ? std::max<milliseconds>(settle, fs::kTracedQuiet) : settle;
}

bool may_be_whole(PublishState state) {
  return state == PublishState::kReady || state == PublishState::kWhenAdopted ||
         state == PublishState::kFailed;
}

}  // namespace

PlainCache::PlainCache(const fs::Layer& layer, index::Index& index, const std::string& directory,
                       std::string source, milliseconds settle)
    : layer_(layer),
      index_(index),
      source_(std::move(source)),
      settle_(settle),
      tracker_(layer, index, fs::PublishedCache{directory}) {}

bool PlainCache::find() {
  bool may_be_new = false;
  tracker_.begin_scan();
  while (const auto step = tracker_.step()) {
    if (!step->now || count_copy(*step->now, found_)) continue;
    paths_.push_back(step->module);
    may_be_new |= is_new(step->module, *step->now);
  }
  std::sort(paths_.begin(), paths_.end());
  return may_be_new;
}

PlainContents PlainCache::take() {
  auto contents = std::move(found_);
  for (const auto& path : paths_) look(path, contents);
  return contents;
}

bool PlainCache::is_new(const std::string& path, const fs::LocalModule& module) const {
  if (!may_be_whole(module.publishing.state)) return false;
  const auto upload = index_.upload(path);
  return !upload || upload->entry.state != index::UploadState::kSuperseded;
}

// False for what is no copy, or may have to be published as what follows it.
bool PlainCache::count_copy(const fs::LocalModule& module, PlainContents& contents) const {
  if (module.whose != fs::Whose::kCopy || module.has_news || !may_be_whole(module.publishing.state))
    return false;
  ++(module.source == source_ ? contents.copies : contents.copies_of_others);
  return true;
}

void PlainCache::make_ours(const std::string& path) {
  for (const auto& file : tracker_.files_of(path))
    if (!fs::is_lock(file) && !index_.layer_file(file)) index_.mark_ours(file);
}

// Zero or less if it has been quiet for long enough. Files of the future, by a clock that was set back, are
// as good as written when this began.
nanoseconds PlainCache::still_to_wait(const fs::ModuleTracker::Step& step) const {
  const std::chrono::sys_time<nanoseconds> changed{nanoseconds(step.changed_ns)};
  const std::chrono::sys_time<nanoseconds> begun{begun_};
  const auto quiet = quiet_time(step.now->publishing.piece, settle_);
  return std::min(changed, begun) + quiet - std::chrono::system_clock::now();
}

void PlainCache::look(const std::string& path, PlainContents& contents) {
  auto step = tracker_.look_at(path);
  if (!step.now) return;
  const auto state = step.now->publishing.state;
  const auto skip = [&](const std::string& why, bool is_failed = false) {
    contents.skipped.push_back({path, why, is_failed});
  };
  if (state == PublishState::kNever) return;
  if (!may_be_whole(state)) return skip(step.now->publishing.why);
  if (count_copy(*step.now, contents)) return;
  make_ours(path);
  tracker_.adopt(path);
  step = tracker_.look_at(path);
  if (!step.now) return;
  if (step.now->publishing.state == PublishState::kFailed)
    return skip(step.now->publishing.why, true);
  if (step.files.empty()) return skip("some of it is a copy of another repo");
  if (const auto wait = still_to_wait(step); wait > nanoseconds(0)) {
    std::this_thread::sleep_for(wait);
    if (tracker_.look_at(path).files != step.files) return skip("it is being written to");
  }
  contents.whole.push_back({path, std::move(step.files)});
}

}  // namespace neffs::mount_helper
