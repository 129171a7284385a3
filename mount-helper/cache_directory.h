// A cache directory for a command that works on it without a mount, and keeps every mount from it meanwhile.
#pragma once

#include <filesystem>
#include <memory>

#include "fs/layer.h"
#include "index/index.h"
#include "mount-helper/state_directory.h"

namespace neffs::mount_helper {

class CacheDirectory {
 public:
  // Opens it and locks its state directory, which is made if there is none. Warns of what was in the way.
  // Throws CommandError, also if it is on a network filesystem, or a mount or another command has it.
  explicit CacheDirectory(const std::filesystem::path& path);

  const fs::Layer& layer() const { return layer_; }
  // Warns if it was damaged. Throws IndexError.
  std::unique_ptr<index::Index> open_index() const;

 private:
  fs::Layer layer_;
  StateDirectory state_;
};

}  // namespace neffs::mount_helper
