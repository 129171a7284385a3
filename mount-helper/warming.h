// Opens files of a mount one after the other, several at a time, so that they are fetched.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace neffs::mount_helper {

struct FileToWarm {
  std::string path;  // relative to the mount
  std::uint64_t size = 0;
};

struct WarmLimits {
  std::optional<std::uint64_t>
      min_free;                       // bytes of the disk that stay free; nullopt: a tenth of it
  std::optional<std::uint64_t> room;  // bytes that may come; nullopt: any number
};

struct Warmed {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::vector<std::pair<std::string, std::string>> failed;  // paths, and why
  std::string stopped;                                      // why it did not go on; "" if it did
};

// Calls `show` from the calling thread, several times a second. What fails holds up nothing else, but where
// one after the other fails it stops.
Warmed warm_files(const std::filesystem::path& mount_point, const std::vector<FileToWarm>& files,
                  const WarmLimits& limits, const std::function<void(const Warmed&)>& show);

}  // namespace neffs::mount_helper
