// What the housekeeper offers to be published, and when.
#include <algorithm>
#include <chrono>
#include <utility>

#include "fs/durable.h"
#include "fs/housekeeper.h"

namespace neffs::fs {
namespace {

// nullopt for what is not to be published as it is.
std::optional<Sighting> sighting_of(const ModuleTracker::Step& step) {
  if (!step.now || step.files.empty()) return std::nullopt;
  const std::chrono::sys_time<std::chrono::nanoseconds> changed{
      std::chrono::nanoseconds(step.changed_ns)};
  return Sighting{step.now->publishing, step.files, std::chrono::system_clock::now() - changed};
}

bool is_unmarked(const LocalModule& module) {
  return module.publishing.state == PublishState::kWhenAdopted && module.whose == Whose::kOurs;
}

bool is_adoptable(const LocalModule& module) {
  const auto state = module.publishing.state;
  return is_unmarked(module) ||
         (is_held(module) && state != PublishState::kNever && state != PublishState::kIncomplete);
}

}  // namespace

std::vector<ModuleTracker::Entry> Housekeeper::unmarked() const {
  return tracker_.list(is_unmarked);
}

// What has been quiet for long enough, if it still is as it was. A change that was told comes first: it
// may be one that does not show.
void Housekeeper::look_at_due() {
  const auto path = settling_.due(Clock::now());
  if (!path || tracker_.is_changed(*path)) return;
  if (!goes_well([&] { settle(tracker_.look_at(*path), false); }))
    settling_.refused(*path, Clock::now());
}

// was_told: of a change; else it was looked at because it was time to
void Housekeeper::settle(const ModuleTracker::Step& step, bool was_told) {
  if (sink_ == nullptr || !options_.publishes) return;
  const auto& path = step.module;
  auto sighting = sighting_of(step);
  if (!sighting) settling_.drop(path);
  if (!sighting || sighting->publishing.state == PublishState::kFailed) sink_->gone(path);
  if (!sighting || !settling_.saw(path, *std::move(sighting), was_told, Clock::now())) return;
  if (is_written(step)) {
    settling_.found_open(path, Clock::now());
    return;
  }
  sync_files(layer_, step.unsynced);  // bytes before rows
  if (sink_->settled(path, step.files))
    settling_.drop(path);
  else
    settling_.refused(path, Clock::now());
}

bool Housekeeper::is_written(const ModuleTracker::Step& step) {
  if (!step.bytes.empty()) return sink_->is_written(step.bytes);
  return std::any_of(step.files.begin(), step.files.end(),
                     [this](const auto& file) { return sink_->is_written(file.path); });
}

// Copies among its files stay copies.
void Housekeeper::adopt(const std::string& module) {
  for (const auto& file : tracker_.files_of(module))
    if (!is_lock(file) && !index_.layer_file(file)) index_.mark_ours(file);
  tracker_.changed(module);
}

std::vector<std::string> Housekeeper::adopt_all() {
  std::vector<std::string> adopted;
  for (const auto& entry : tracker_.list(is_adoptable)) {
    adopt(entry.path);
    tracker_.adopt(entry.path);
    adopted.push_back(entry.path);
  }
  return adopted;
}

}  // namespace neffs::fs
