// Who made the lock files that lie in the layer.
#pragma once

#include <string>
#include <vector>

#include "index/database.h"
#include "index/index.h"

namespace neffs::index {

std::vector<LockRecord> load_locks(Database& database);
void store_lock(Database& database, const LockRecord& lock);
void drop_lock(Database& database, const std::string& path);
// Inside a transaction.
void rename_locks(Database& database, const std::string& from, const std::string& to);

}  // namespace neffs::index
