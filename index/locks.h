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

}  // namespace neffs::index
