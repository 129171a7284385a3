// The same operations on a mount and on a plain directory, and what differs.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/exercise/operation.h"
#include "tests/exercise/worker.h"
#include "tests/mount/scratch.h"

namespace neffs::test {

struct Mismatch {
  std::size_t at = 0;  // which operation
  std::string verb;    // what kind it is of
  std::string what;
};

// Owns the workers of every user on both sides. Used by one thread.
class Comparison {
 public:
  // remount: what "- remount" does when no worker uses the mount.
  // The two paths are of one length: it shows in the size of symlinks.
  Comparison(const Scratch& scratch, std::filesystem::path mount, std::filesystem::path plain,
             std::function<void()> remount);

  // Performs them until both sides differ. Beside those of Performer there are
  // "- trees", which compares everything there is, and "- remount".
  std::optional<Mismatch> run(const std::vector<Operation>& operations);

 private:
  struct Pair {
    Pair(const Scratch& scratch, const User& user, const Comparison& comparison)
        : on_mount(scratch, user, comparison.mount_), on_plain(scratch, user, comparison.plain_) {}
    Worker on_mount;
    Worker on_plain;
  };

  std::string difference_in(const Operation& operation);
  std::string compare_outcomes(const Operation& operation);

  const std::filesystem::path mount_;
  const std::filesystem::path plain_;
  const std::function<void()> remount_;
  std::map<std::string, Pair> workers_;
};

}  // namespace neffs::test
