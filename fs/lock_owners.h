// Who made the lock files that lie in the layer: their existence is the lock, and nothing in them
// says whose it is.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "fs/layer.h"
#include "fs/process_table.h"
#include "fs/reply.h"
#include "index/index.h"

namespace neffs::fs {

struct OwnedLock {
  index::LockRecord record;
  LayerId id;  // of the file
  Life life = Life::kUnknown;
};

inline bool is_stale(const OwnedLock& lock) {
  return lock.life == Life::kGone || lock.life == Life::kEarlierBoot;
}

// In memory, and in the index so that a restart keeps it. A lock that was made unseen (before the
// mount, below it, by a process that cannot be seen from here) has no record and is never judged.
// What the index or the layer throw is logged: no lock is refused for want of a record. Safe for any
// thread; the mutex is a leaf, held for map operations only.
class LockOwners {
 public:
  // Reads the records of earlier lives, and looks at their files. Both outlive this.
  LockOwners(const Layer& layer, index::Index& index, ProcessTable processes);

  // A lock was made by the caller, who still waits.
  void made(const std::string& path, const Caller& caller);
  // Something at or below the path has come, changed or gone.
  void changed(const std::string& path);
  void moved(const std::string& from, const std::string& to);

  // Those at or below the path ("" is everything), judged now.
  std::vector<OwnedLock> list(const std::string& path = "");
  bool is_empty() const;

 private:
  struct Known {
    index::LockRecord record;
    LayerId id;
  };
  using Map = std::map<std::string, Known>;

  void load();
  std::vector<Known> below(const std::string& path) const;
  void keep(const std::string& path, const Known& known);
  void drop(const std::string& path);
  void write_through(const std::string& path);
  std::optional<index::LockRecord> recorded(const std::string& path) const;

  const Layer& layer_;
  index::Index& index_;
  const ProcessTable processes_;
  mutable std::mutex mutex_;  // a leaf; protects known_
  Map known_;
};

}  // namespace neffs::fs
