#include "fs/lock_owners.h"

#include <chrono>
#include <exception>
#include <string_view>
#include <utility>

#include <spdlog/spdlog.h>

#include "fs/cache_layout.h"
#include "fs/unix_time.h"

namespace neffs::fs {
namespace {

// What is written into a lock right after it was made may carry the next second.
constexpr std::int64_t kSlackS = 2;

// Inside a module whatever is called so; elsewhere what holds bytes is somebody's data (poetry.lock).
bool may_be_lock(const std::string& path, const struct stat& st) {
  if (!path.ends_with(".lock") || !S_ISREG(st.st_mode)) return false;
  return st.st_size == 0 || locate(path).place == Place::kInsideModule;
}

Process process_of(const index::LockRecord& record) {
  return {record.process, record.started, record.boot, record.pid_namespace};
}

// Nobody who asks for a lock is to be told of our troubles.
template <typename Work>
void logging_failures(const char* path, Work&& work) {
  try {
    work();
  } catch (const std::exception& error) {
    spdlog::warn("{}: who made it cannot be remembered: {}", path, error.what());
  }
}

}  // namespace

LockOwners::LockOwners(const Layer& layer, index::Index& index, ProcessTable processes)
    : layer_(layer), index_(index), processes_(std::move(processes)) {
  logging_failures("the locks", [this] { load(); });
}

// A lock that is younger than its record was made by somebody else while nobody looked.
void LockOwners::load() {
  for (auto& record : index_.locks()) {
    const auto st = layer_.stat(record.path);
    if (st && may_be_lock(record.path, *st) && st->st_mtim.tv_sec <= record.taken_s + kSlackS)
      known_.emplace(record.path, Known{record, layer_id(*st)});
    else
      index_.drop_lock(record.path);
  }
}

void LockOwners::made(const std::string& path, const Caller& caller) {
  logging_failures(path.c_str(), [&] {
    const auto st = layer_.stat(path);
    const auto process = processes_.process_of(caller.thread);
    if (!st || !may_be_lock(path, *st) || !process) {
      drop(path);
      return;
    }
    keep(path,
         {{path, process->id, process->started, process->boot, process->pid_namespace, now_s()},
          layer_id(*st)});
  });
}

void LockOwners::changed(const std::string& path) {
  for (const auto& known : below(path)) {
    const auto& name = known.record.path;
    logging_failures(name.c_str(), [&] {
      const auto st = layer_.stat(name);
      if (!st || layer_id(*st) != known.id || !may_be_lock(name, *st)) drop(name);
    });
  }
}

// The new name first: after a crash between the two a record whose file is gone is dropped, one that
// was never written is lost. What is no lock by its new name (git renames its locks into place) goes
// in changed().
void LockOwners::moved(const std::string& from, const std::string& to) {
  for (auto known : below(from)) {
    const auto old_path = known.record.path;
    known.record.path = to + old_path.substr(from.size());
    logging_failures(old_path.c_str(), [&] {
      keep(known.record.path, known);
      drop(old_path);
    });
  }
  changed(to);
}

std::vector<OwnedLock> LockOwners::list(const std::string& path) {
  changed(path);  // what was removed below the mount is told by nobody
  std::vector<OwnedLock> locks;
  for (const auto& known : below(path))
    locks.push_back({known.record, known.id, processes_.judge(process_of(known.record))});
  return locks;
}

bool LockOwners::is_empty() const {
  const std::lock_guard lock(mutex_);
  return known_.empty();
}

std::vector<LockOwners::Known> LockOwners::below(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  std::vector<Known> found;
  for (auto it = known_.lower_bound(path); it != known_.end() && it->first.starts_with(path); ++it)
    if (is_at_or_below(it->first, path)) found.push_back(it->second);
  return found;
}

void LockOwners::keep(const std::string& path, const Known& known) {
  {
    const std::lock_guard lock(mutex_);
    known_.insert_or_assign(path, known);
  }
  write_through(path);
}

void LockOwners::drop(const std::string& path) {
  {
    const std::lock_guard lock(mutex_);
    if (known_.erase(path) == 0) return;
  }
  write_through(path);
}

// Two threads may come here with the same name in the other order than they changed the map in. The
// one that finds the map different from what it wrote writes again.
void LockOwners::write_through(const std::string& path) {
  while (true) {
    const auto record = recorded(path);
    if (record)
      index_.put_lock(*record);
    else
      index_.drop_lock(path);
    if (recorded(path) == record) return;
  }
}

std::optional<index::LockRecord> LockOwners::recorded(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto it = known_.find(path);
  return it == known_.end() ? std::nullopt : std::optional(it->second.record);
}

}  // namespace neffs::fs
