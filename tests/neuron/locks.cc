#include "tests/neuron/locks.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "tests/mount/files.h"
#include "tests/neuron/transcript.h"

namespace neffs::test {

bool is_old_generation(LockKind kind) {
  return kind == LockKind::kFlock || kind == LockKind::kLockf;
}

// As Python's open(…, "w") does it, on every call.
CacheLock::CacheLock(const std::filesystem::path& cache, LockKind kind) {
  if (!is_old_generation(kind)) return;
  file_ = open_file(cache / "lock", O_WRONLY | O_CREAT | O_TRUNC);
  const auto lock = [&] {
    return kind == LockKind::kFlock ? ::flock(file_.get(), LOCK_EX)
                                    : ::lockf(file_.get(), F_LOCK, 0);
  };
  int error = error_of(lock());
  while (error == EINTR) error = error_of(lock());
  if (error != 0) throw std::system_error(error, std::generic_category(), "locking the cache");
}

EntryLock::EntryLock(std::filesystem::path cache, const std::filesystem::path& entry, LockKind kind)
    : cache_(std::move(cache)), file_(entry / "model.hlo_module.pb.lock"), kind_(kind) {}

EntryLock::~EntryLock() {
  if (is_held_) give_back();
}

int EntryLock::create() const {
  if (kind_ == LockKind::kExclusive) return open_error(file_, O_WRONLY | O_CREAT | O_EXCL);
  if (is_taken_by_anybody()) return EEXIST;
  return open_error(file_, O_WRONLY | O_CREAT | O_TRUNC);
}

int EntryLock::take() {
  const CacheLock held(cache_, kind_);
  const int error = create();
  is_held_ = error == 0;
  return error;
}

bool EntryLock::is_taken_by_anybody() const {
  return stat_error(file_) == 0;
}

int EntryLock::give_back() {
  is_held_ = false;
  const CacheLock held(cache_, kind_);
  return error_of(::unlink(file_.c_str()));
}

}  // namespace neffs::test
