// What a mount does, in Prometheus' text format.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "hub/http_counts.h"

namespace neffs::mount_helper {

// What the status does not say.
struct HubFacts {
  hub::HttpCounts http;
  std::map<std::string, std::uint64_t> quota_left;  // by bucket, as far as the Hub has said it
};

// status: as status_json() makes it. Every line ends in '\n'. The counters run since the mount.
std::string metrics_text(const nlohmann::ordered_json& status, const HubFacts& hub);

}  // namespace neffs::mount_helper
