// The two generations of locks that libneuronxla has had.
#pragma once

#include <filesystem>

#include "fs/unique_fd.h"

namespace neffs::test {

// Up to SDK 2.19 every method ran under a lock of the whole cache, and made the module's lock file
// under it. From SDK 2.20 on the module's lock file is all there is. How it is created, and how the
// whole cache was locked, was inferred and never read: so each way is here.
enum class LockKind {
  kExclusive,        // new: O_CREAT|O_EXCL
  kCheckThenCreate,  // new: for one process at a time only
  kFlock,            // old
  kLockf,            // old; tells processes apart, not threads
};
bool is_old_generation(LockKind kind);

// Holds <cache>/lock for the length of one method of the old generation; for the new one nothing.
// Throws std::system_error.
class CacheLock {
 public:
  CacheLock(const std::filesystem::path& cache, LockKind kind);

 private:
  fs::UniqueFd file_;
};

// A module's lock file, whose existence is the lock. Gives it back when it ends. One thread.
class EntryLock {
 public:
  EntryLock(std::filesystem::path cache, const std::filesystem::path& entry, LockKind kind);
  ~EntryLock();
  EntryLock(const EntryLock&) = delete;
  EntryLock& operator=(const EntryLock&) = delete;

  // 0, EEXIST if somebody has it, or what else stands in the way.
  int take();
  bool is_taken_by_anybody() const;
  // 0 or errno.
  int give_back();

 private:
  int create() const;

  const std::filesystem::path cache_;
  const std::filesystem::path file_;
  const LockKind kind_;
  bool is_held_ = false;
};

}  // namespace neffs::test
