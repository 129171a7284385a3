// The large files of all repos, by SHA-256.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "tests/hub/content.h"

namespace neffs::test {

// What git stores in place of a large file.
struct LfsPointer {
  std::string oid;  // SHA-256 of the real bytes, 64 hex
  std::uint64_t size = 0;

  friend bool operator==(const LfsPointer&, const LfsPointer&) = default;
};

// The text of the pointer file, version 1 of the Git LFS specification, and back.
std::string pointer_text(const LfsPointer& pointer);
std::optional<LfsPointer> parse_pointer(std::string_view text);

// Any thread may call.
class LfsStore {
 public:
  // With a directory every object is written there and found again by a later store; without one
  // the contents stay what they were given as (bytes in memory, or a recipe).
  explicit LfsStore(std::optional<std::filesystem::path> dir) : dir_(std::move(dir)) {}

  LfsPointer put(const ContentPtr& content);
  // nullptr if there is no such object.
  ContentPtr get(const std::string& oid) const;

 private:
  std::filesystem::path path_of(const std::string& oid) const;

  const std::optional<std::filesystem::path> dir_;
  std::atomic<std::uint64_t> last_write_{0};
  mutable std::mutex mutex_;
  mutable std::map<std::string, ContentPtr> contents_;  // guarded by mutex_
};

}  // namespace neffs::test
