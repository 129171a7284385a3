// What `neffs status --json` prints, with the keys of the contract.
#pragma once

#include <chrono>
#include <string>

#include "fs/cache_fs.h"
#include "fs/fetcher.h"
#include "fs/remote_view.h"
#include "index/index.h"

namespace neffs::mount_helper {

struct StatusFacts {
  std::string mountpoint;
  std::string layer;
  std::chrono::duration<double> uptime{};
  bool passthrough = false;
  bool offline = false;
  fs::SourceStatus source;
  index::LayerTotals totals;
};

// One JSON object. The counters run since the mount.
std::string status_json(const StatusFacts& facts, const fs::Counters& counters,
                        const fs::FetchCounters& fetches);

}  // namespace neffs::mount_helper
