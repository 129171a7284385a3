// The large files that one repo knows: the bytes of all repos are in one LfsStore, but each repo can
// only use what was uploaded to it.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "tests/hub/lfs_store.h"

namespace neffs::test {

// One thread at a time.
class LargeFileList {
 public:
  // Kept in `file`, where an earlier list may be; none: in memory only.
  explicit LargeFileList(std::optional<std::filesystem::path> file);

  void add(const LfsPointer& pointer);
  std::optional<LfsPointer> find(const std::string& oid) const;

 private:
  const std::optional<std::filesystem::path> file_;
  std::map<std::string, LfsPointer> pointers_;  // by id
};

}  // namespace neffs::test
