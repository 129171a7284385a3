// Bytes that have to be on the disk before what speaks of them: the disk writes names at once with
// somebody else's sync, and bytes half a minute later.
#pragma once

#include <span>
#include <string>

#include "fs/layer.h"

namespace neffs::fs {

// Returns when a power cut leaves the file as it is now. Throws std::system_error.
void sync_bytes(int fd);

// Returns when a power cut leaves each of these paths of the layer as it is now, its times too. Those
// that are gone or unreadable are passed over. Throws std::system_error.
void sync_files(const Layer& layer, std::span<const std::string> paths);

// For a name that is about to be made: before a module's completion mark gets its own, the files
// beside it are synced, so that no power cut leaves a mark on files that have lost their bytes.
// Anything else costs nothing. Throws std::system_error if the disk fails.
void sync_before_mark(const Layer& layer, const std::string& path);

}  // namespace neffs::fs
