// What the housekeeper knows of the layer, as JSON: the same in status, explain and doctor.
#pragma once

#include <nlohmann/json.hpp>

#include "fs/housekeeper.h"

namespace neffs::mount_helper {

// path, pid, taken_s_ago, creator.
nlohmann::ordered_json lock_json(const fs::OwnedLock& lock);
// path (of the module), age_s, text.
nlohmann::ordered_json failure_json(const fs::FailedModule& failed);
// An entry of push.modules.
nlohmann::ordered_json held_json(const fs::ModuleTracker::Entry& module);

template <typename Items, typename ToJson>
nlohmann::ordered_json array_of(const Items& items, ToJson to_json) {
  auto array = nlohmann::ordered_json::array();
  for (const auto& item : items) array.push_back(to_json(item));
  return array;
}

// Adds to what the filesystem says of a path: the state of its module in the layer, the locks in it,
// also those that nobody knows the maker of, and its failure, unless the module is a hit all the same.
void add_layer_facts(nlohmann::ordered_json& explanation, fs::Housekeeper& housekeeper);

}  // namespace neffs::mount_helper
