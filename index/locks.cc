#include "index/locks.h"

namespace neffs::index {
namespace {

const std::string kSelect =
    "SELECT path, process, started, boot, pid_namespace, taken_s FROM locks ORDER BY path";
const std::string kReplace =
    "INSERT OR REPLACE INTO locks (path, process, started, boot, pid_namespace, taken_s)"
    " VALUES (?, ?, ?, ?, ?, ?)";
const std::string kDelete = "DELETE FROM locks WHERE path = ?";

}  // namespace

std::vector<LockRecord> load_locks(Database& database) {
  std::vector<LockRecord> locks;
  database.run(kSelect, {}, [&](const Row& row) {
    locks.push_back({row.text(0), row.integer(1), static_cast<std::uint64_t>(row.integer(2)),
                     row.text(3), static_cast<std::uint64_t>(row.integer(4)), row.integer(5)});
  });
  return locks;
}

void store_lock(Database& database, const LockRecord& lock) {
  database.run(kReplace, {lock.path, lock.process, lock.started, lock.boot, lock.pid_namespace,
                          lock.taken_s});
}

void drop_lock(Database& database, const std::string& path) {
  database.run(kDelete, {path});
}

}  // namespace neffs::index
