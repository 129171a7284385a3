// Reading what a daemon has answered: another version's may have left out or changed any part of it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace neffs::mount_helper {

// The text under `key`, printable; "" if there is none.
std::string word_in(const nlohmann::ordered_json& object, const char* key);
// The array under `key`, an empty one if there is none.
const nlohmann::ordered_json& list_in(const nlohmann::ordered_json& object, const char* key);

}  // namespace neffs::mount_helper
