// What the daemon may do by itself with what it finds in the layer, and when.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "fs/process_table.h"

namespace neffs::fs {

// Which locks are removed, of those whose creator is known to be gone.
enum class StaleLocks {
  kReboot,  // of an earlier boot, soon after the mount
  kKeep,    // none
  kClear,   // all, soon after it is known
};

struct KeepOptions {
  StaleLocks stale_locks = StaleLocks::kReboot;
  // The age at which the log of a failed compilation is removed; nullopt keeps it.
  std::optional<std::chrono::milliseconds> failures{};
  // Complete modules that were there before the mount become ours; else they are held.
  bool adopts = false;
  // What is complete and ours is offered to an UploadSink once it has been quiet for so long.
  bool publishes = false;
  std::chrono::milliseconds settle{5000};
  // Where the layer is seen, absolute: what symlinks in it may lead to. "": nowhere.
  std::string mountpoint{};
};

// Whether a lock goes whose creator lives so.
bool may_remove(StaleLocks policy, Life creator);

// How long a failure is still kept; zero or less: no longer.
std::chrono::milliseconds time_left(std::chrono::system_clock::time_point failed_at,
                                    std::chrono::milliseconds kept_for,
                                    std::chrono::system_clock::time_point now);

}  // namespace neffs::fs
