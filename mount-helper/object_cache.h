// What commands have read of repos, so that it is not asked for again: texts whose keys say for good what
// they are (the id of a git tree, of a commit, of a content).
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "fs/unique_fd.h"
#include "hub/environment.h"

namespace neffs::mount_helper {

// $XDG_CACHE_HOME/neffs, ~/.cache/neffs.
std::filesystem::path user_cache_directory(const hub::Environment& environment);

// One file that only grows, record by record, until it is too large and is begun anew. Nothing depends on it:
// what cannot be read, was cut off by a crash or was changed is as good as absent, and where nothing can be
// written nothing is kept. Several processes may use it at once. Any thread.
class ObjectCache {
 public:
  // Makes the directory (0700), unless that would leave something of root's in another user's home.
  explicit ObjectCache(const std::filesystem::path& directory);
  ObjectCache(const ObjectCache&) = delete;
  ObjectCache& operator=(const ObjectCache&) = delete;

  std::optional<std::string> get(const std::string& key) const;
  // key: without blanks and control characters
  void put(const std::string& key, std::string_view text);

 private:
  struct Span {
    std::uint64_t begin = 0;
    std::uint64_t size = 0;
    std::string sha256;
  };
  std::uint64_t read_new();
  void append(const std::string& record);

  fs::UniqueFd file_;  // none if nothing is kept
  mutable std::mutex mutex_;
  std::string text_;  // the file as far as it is known, protected by mutex_, as what follows
  std::unordered_map<std::string, Span> spans_;
};

}  // namespace neffs::mount_helper
