// What is wrong with a mount, and what mends it: found in what the daemon says of itself.
#pragma once

#include <cstddef>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace neffs::mount_helper {

struct Finding {
  std::string check;    // what was looked at: "stale lock"
  std::string subject;  // where
  std::string what;
  std::string mend;  // "" if nothing is wrong with it
};

// In an answer to status or explain; any part of it may be missing.
std::vector<Finding> find_locks(const nlohmann::ordered_json& answer);
// Of these, the ones whose creator is known to be gone.
std::vector<Finding> find_stale_locks(const nlohmann::ordered_json& answer);
std::vector<Finding> find_failures(const nlohmann::ordered_json& answer);
// Folders of the push repo that are full, or will be.
std::vector<Finding> find_full_folders(const nlohmann::ordered_json& answer);
// Sources that refuse the mount, whose token may be another than the command's.
std::vector<Finding> find_source_trouble(const nlohmann::ordered_json& answer);
// That what is compiled does not reach its repo.
std::vector<Finding> find_push_trouble(const nlohmann::ordered_json& answer);

// "made 3 min ago by process 123, which is gone", of an entry of `locks`.
std::string lock_text(const nlohmann::ordered_json& lock);

// A label and a text for each; no more than `most` of them, and how many are left out.
std::vector<std::pair<std::string, std::string>> finding_rows(
    const std::vector<Finding>& findings,
    std::size_t most = std::numeric_limits<std::size_t>::max());

nlohmann::ordered_json finding_json(const Finding& finding);

}  // namespace neffs::mount_helper
