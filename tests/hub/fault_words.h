// Requests to match and faults, as the control API writes them in JSON (see control_api.h).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "tests/hub/faults.h"

namespace neffs::test {

// Both throw std::invalid_argument, or what the JSON library throws, for words they do not know.
Match match_of(const nlohmann::json& words);
Fault fault_of(const nlohmann::json& words);

}  // namespace neffs::test
