// `neffs flush`: waits until everything that can be published is in the repo.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "mount-helper/mount_point.h"

namespace neffs::mount_helper {

struct FlushRequest {
  std::string mount_point = kDefaultMountPoint;
  std::optional<double> timeout_s{};  // nullopt: as long as it takes
  bool adopts = false;                // first, what is held is released
  bool is_sure = false;               // without a question
  bool is_quiet = false;              // no progress
  bool is_json = false;
};

int flush_command(const FlushRequest& request);

// The same for who goes on whatever comes of it: names what did not make it, and why. True if nothing
// is left. Throws CommandError if the mount does not answer or publishes nothing. is_stopped: asked
// again and again; once true, it is over.
bool flush(
    const std::string& mount_point, std::optional<double> timeout_s,
    const std::function<bool()>& is_stopped = [] { return false; }, bool is_quiet = false);

// Says on stderr what has not been published yet, where something is to be; nothing where the mount does not
// answer soon. Throws nothing that the mount does.
void warn_of_unpublished(const std::string& mount_point, std::chrono::milliseconds limit);

// Whether there is a repo that the mount publishes to. Throws CommandError if it does not answer.
bool publishes(const std::string& mount_point);

}  // namespace neffs::mount_helper
