#include "mount-helper/layer_report.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "fs/cache_layout.h"

namespace neffs::mount_helper {
namespace {

using nlohmann::ordered_json;

double age_s(std::chrono::system_clock::time_point since) {
  const std::chrono::duration<double> age = std::chrono::system_clock::now() - since;
  return std::max(0.0, age.count());
}

const char* word_of(fs::LocalState state) {
  switch (state) {
    case fs::LocalState::kComplete:
      return "complete";
    case fs::LocalState::kFailed:
      return "failed";
    case fs::LocalState::kLocked:
      return "locked";
    case fs::LocalState::kUnfinished:
      break;
  }
  return "unfinished";
}

const char* word_of(fs::Whose whose) {
  switch (whose) {
    case fs::Whose::kHeld:
      return "held";
    case fs::Whose::kOurs:
      return "ours";
    case fs::Whose::kCopy:
      break;
  }
  return "copy";
}

ordered_json unknown_lock_json(const std::string& path) {
  return {{"path", path}, {"pid", nullptr}, {"taken_s_ago", nullptr}, {"creator", "unknown"}};
}

ordered_json locks_json(const std::string& module, const fs::LocalModule& now,
                        const std::vector<fs::OwnedLock>& owned) {
  auto locks = array_of(owned, lock_json);
  for (const auto& name : now.locks) {
    const auto path = fs::join_path(module, name);
    const bool has_owner = std::any_of(owned.begin(), owned.end(), [&](const fs::OwnedLock& lock) {
      return lock.record.path == path;
    });
    if (!has_owner) locks.push_back(unknown_lock_json(path));
  }
  return locks;
}

void add_module_facts(ordered_json& explanation, const std::string& module,
                      fs::Housekeeper& housekeeper) {
  const auto now = housekeeper.look(module);
  if (!now) return;
  explanation["in_layer"] = word_of(now->state);
  if (now->state == fs::LocalState::kUnfinished && !now->publishing.why.empty())
    explanation["unfinished"] = now->publishing.why;
  if (now->state == fs::LocalState::kComplete && explanation.at("path") == module)
    explanation["origin"] = word_of(now->whose);
  const auto locks = locks_json(module, *now, housekeeper.locks(module));
  if (!locks.empty()) explanation["locks"] = locks;
  const bool is_hit = explanation.contains("hit") && explanation["hit"] == true;
  if (now->failure && !is_hit)
    explanation["failures"] = ordered_json::array({failure_json({module, *now->failure})});
}

}  // namespace

ordered_json lock_json(const fs::OwnedLock& lock) {
  return {
      {"path", lock.record.path},
      {"pid", lock.record.process},
      {"taken_s_ago", age_s(std::chrono::sys_seconds(std::chrono::seconds(lock.record.taken_s)))},
      {"creator", name_of(lock.life)}};
}

ordered_json failure_json(const fs::FailedModule& failed) {
  return {
      {"path", failed.path}, {"age_s", age_s(failed.failure.at)}, {"text", failed.failure.text}};
}

ordered_json held_json(const fs::ModuleTracker::Entry& module) {
  return {{"path", module.path},          {"state", "held"}, {"files", module.module.files},
          {"bytes", module.module.bytes}, {"attempts", 0},   {"error", nullptr}};
}

void add_layer_facts(ordered_json& explanation, fs::Housekeeper& housekeeper) {
  const auto path = explanation.at("path").get<std::string>();
  const std::string module(fs::locate(path).module);
  if (!module.empty()) {
    add_module_facts(explanation, module, housekeeper);
    return;
  }
  const auto locks = fs::is_lock(path) ? housekeeper.locks(path) : std::vector<fs::OwnedLock>{};
  if (!locks.empty()) explanation["locks"] = array_of(locks, lock_json);
}

}  // namespace neffs::mount_helper
