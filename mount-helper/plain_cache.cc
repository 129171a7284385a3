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
  tracker_.begin_scan();
  while (const auto step = tracker_.step())
    if (step->now) paths_.push_back(step->module);
  std::sort(paths_.begin(), paths_.end());
  return std::any_of(paths_.begin(), paths_.end(),
                     [this](const std::string& path) { return is_new(path); });
}

PlainContents PlainCache::take() {
  PlainContents contents;
  for (const auto& path : paths_) look(path, contents);
  return contents;
}

bool PlainCache::is_new(const std::string& path) const {
  const auto now = tracker_.look(path);
  if (!now || !may_be_whole(now->publishing.state) || !has_news(path, *now)) return false;
  const auto upload = index_.upload(path);
  return !upload || upload->entry.state != index::UploadState::kSuperseded;
}

// An alias of a registry has no record of its own.
bool PlainCache::is_of_source(const std::string& path) const {
  const auto records = index_.layer_files_below(path);
  return std::any_of(records.begin(), records.end(), [this](const auto& record) {
    return record.origin == index::Origin::kCopy && record.source == source_;
  });
}

// A copy has, if a file came to it: that is published as what follows it.
bool PlainCache::has_news(const std::string& path, const fs::LocalModule& module) const {
  if (module.whose != fs::Whose::kCopy) return true;
  const auto files = tracker_.files_of(path);
  return std::any_of(files.begin(), files.end(), [&](const std::string& file) {
    const auto inside = std::string_view(file).substr(std::min(path.size() + 1, file.size()));
    return fs::is_published_name(inside) && !fs::is_input(inside) && !index_.layer_file(file);
  });
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
  if (!has_news(path, *step.now)) {
    ++(is_of_source(path) ? contents.copies : contents.copies_of_others);
    return;
  }
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
