// The first bytes of a file on the Hub, for questions that do not need the rest.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "hub/hub_client.h"

namespace neffs::hub {

// See RemoteRepo::read_start().
std::string read_file_start(const HubClient& hub, const std::string& repo_id,
                            const std::string& commit, const std::string& path, std::size_t bytes,
                            std::chrono::steady_clock::time_point deadline);

}  // namespace neffs::hub
