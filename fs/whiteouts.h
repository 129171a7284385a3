// Names that were deleted here although a source has them.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "index/index.h"

namespace neffs::fs {

// All whiteouts of a layer, in memory and in the index. Safe for any thread; the mutex is a leaf,
// never held while the index is written. Changes are in the index when they return; what it
// cannot take (a full disk must not keep anybody from deleting) is in force all the same, and is
// written with the next change.
class Whiteouts {
 public:
  // Reads them all. The index outlives this.
  explicit Whiteouts(index::Index& index);

  // While it is held no fetched file gets its name: a deletion holds it from its whiteout to its unlink,
  // who gives a name from the look at covers() to the rename. Taken before any other lock of fs/ but
  // Fetcher::placing_, and never while a disk syncs.
  [[nodiscard]] std::unique_lock<std::mutex> hold() { return std::unique_lock(naming_); }

  bool is_empty() const;
  // What the whiteout of exactly this path was made against; nullopt if there is none.
  std::optional<std::string> at(const std::string& path) const;
  // True if the path or a directory above it has one: what is fetched must not get a name there.
  bool covers(const std::string& path) const;
  // The paths at or below `directory` ("" is everything) that have one.
  std::vector<std::string> below(const std::string& directory) const;

  void add(const std::string& path, const std::string& content);
  // The same, and those below are dropped.
  void add_over(const std::string& path, const std::string& content);
  void drop(const std::string& path);
  // If it is still the one that was judged.
  void drop_if(const std::string& path, const std::string& content);
  // Throws IndexError, and then nothing is dropped.
  void drop_below(const std::string& directory);

 private:
  using Rows = std::map<std::string, std::string, std::less<>>;
  using Write = std::function<void()>;  // throws IndexError; under writing_
  void erase_below_locked(const std::string& directory);
  void write(Write change);

  index::Index& index_;
  std::mutex naming_;
  std::mutex
      writing_;  // held across one change of rows_ and its row, so that they come in one order
  mutable std::shared_mutex mutex_;  // protects everything below
  Rows rows_;
  std::vector<Write> unwritten_;  // in their order
};

}  // namespace neffs::fs
