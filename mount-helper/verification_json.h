// What was found when the files of the layer were read again, as JSON: the daemon's answer, and what
// `verify --json` prints.
#pragma once

#include <nlohmann/json.hpp>

#include "fs/verify.h"

namespace neffs::mount_helper {

// files, bytes, all_bytes, unknown (paths), damaged: path, why, origin (copy or ours), removed, stays.
nlohmann::ordered_json verification_json(const fs::Verification& found);

}  // namespace neffs::mount_helper
