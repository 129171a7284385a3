// Publishing what is in a plain directory: a publisher for as long as there is something to publish.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "fs/layer.h"
#include "hub/hub_client.h"
#include "index/index.h"
#include "mount-helper/plain_cache.h"
#include "mount-helper/source.h"

namespace neffs::mount_helper {

struct SynchronizePlan {
  std::string directory;  // absolute, without symlinks
  Source target;
  bool only_private = false;  // nobody has named the repo
  std::chrono::milliseconds settle{};
  // What goes on, in a line; may be empty.
  std::function<void(const std::string& text)> on_progress;
};

struct Synchronized {
  std::string commit;  // the head of the repo now
  std::uint64_t pushed = 0;
  std::uint64_t superseded = 0;  // the repo had somebody else's
  std::uint64_t commits = 0;
  std::uint64_t there_already = 0;  // since an earlier time
  std::uint64_t copies_of_others = 0;
  std::vector<SkippedPiece> left;  // by path: skipped, failed, or queued for another repo
  std::string error;               // why some of it is still queued; "" if none is
};

// layer, index: of the directory, whose state directory is locked. Where nothing is new, only the head is
// asked for. What could not be brought over stays queued. Throws HubError where the Hub refuses for good
// before anything is sent, CommandError, IndexError, std::system_error.
Synchronized synchronize(const fs::Layer& layer, index::Index& index, const hub::HubClient& hub,
                         const SynchronizePlan& plan);

}  // namespace neffs::mount_helper
