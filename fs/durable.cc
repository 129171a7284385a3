#include "fs/durable.h"

#include <dirent.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <vector>

#include "fs/cache_layout.h"

namespace neffs::fs {
namespace {

// Empty for one that is gone, or that the daemon may not read.
UniqueFd open_if_readable(const Layer& layer, const std::string& path) try {
  return layer.open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
} catch (const std::system_error&) {
  return {};
}

// Without those that cannot be opened.
std::vector<UniqueFd> open_to_sync(const Layer& layer, std::span<const std::string> paths) {
  std::vector<UniqueFd> files;
  for (const auto& path : paths) {
    auto file = open_if_readable(layer, path);
    if (!file) continue;
    // All are on their way before the first is waited for. No promise yet, so no error either.
    ::sync_file_range(file.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
    files.push_back(std::move(file));
  }
  return files;
}

}  // namespace

void sync_bytes(int fd) {
  // EINVAL: of a kind that is not synced, a pipe that has taken the file's place.
  if (::fdatasync(fd) != 0 && errno != EINVAL) throw_errno("sync");
}

void sync_files(const Layer& layer, std::span<const std::string> paths) {
  for (const auto& file : open_to_sync(layer, paths))
    if (::fsync(file.get()) != 0 && errno != EINVAL) throw_errno("sync");
}

void sync_before_mark(const Layer& layer, const std::string& path) {
  if (base_name(path) != kDoneMark) return;
  const std::string directory(parent_path(path));
  std::vector<std::string> files;
  for (const auto& entry : layer.list_if_there(directory))
    if (entry.type == DT_REG || entry.type == DT_UNKNOWN)
      files.push_back(join_path(directory, entry.name));
  for (const auto& file : open_to_sync(layer, files)) sync_bytes(file.get());
}

}  // namespace neffs::fs
