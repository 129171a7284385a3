// What `neffs status --json` prints, with the keys of the contract.
#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "fs/cache_fs.h"
#include "fs/fetcher.h"
#include "fs/housekeeper.h"
#include "fs/publisher.h"
#include "fs/remote_view.h"
#include "index/index.h"

namespace neffs::mount_helper {

// What stays as it is while the mount is there.
struct MountFacts {
  std::string mountpoint;
  std::string layer;
  bool passthrough = false;
  bool offline = false;
  bool is_of_run = false;  // made by `neffs run`
  std::string push_why;    // why nothing is published, or what the repo is
};

// Of a mount that publishes.
struct PushFacts {
  index::UploadTarget target;
  fs::PublishStatus status;
  index::UploadTotals totals;
  std::vector<index::UploadEntry> open;
  std::vector<index::UploadEntry> ended;
  std::vector<fs::FolderSize> folders;  // of the repo, as far as they are known
};

struct SourceFacts {
  fs::SourceStatus status;
  bool is_pushed = false;  // it is published to
};

struct StatusFacts {
  MountFacts mount;
  std::chrono::duration<double> uptime{};
  std::vector<SourceFacts> sources;
  std::optional<std::uint64_t> quota_bytes;  // of copies; nullopt: any number
  index::LayerTotals totals;
  std::vector<fs::ModuleTracker::Entry> held;
  bool is_counted = false;  // false while there may be more of them
  std::vector<fs::WaitingUpload> waiting;
  std::optional<PushFacts> push;
  std::vector<fs::OwnedLock> locks;
  std::vector<fs::FailedModule> failures;
};

// One JSON object, whose texts need not be UTF-8. The counters run since the mount.
nlohmann::ordered_json status_json(const StatusFacts& facts, const fs::Counters& counters,
                                   const fs::FetchCounters& fetches);

}  // namespace neffs::mount_helper
