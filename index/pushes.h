// Commits that were about to be sent, and what becomes of their uploads. Functions on an open database,
// those that change it inside a transaction; Index says what each promises.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "index/database.h"
#include "index/upload.h"

namespace neffs::index {

Push store_push(Database& database, const Push& push, std::span<const std::int64_t> generations);
PushOutcome store_finished_push(Database& database, const std::string& id,
                                const std::string& commit, const std::string& source,
                                std::int64_t now_s);
void drop_push(Database& database, const std::string& id);
std::vector<Push> store_recovery(Database& database, const UploadTarget& target,
                                 std::int64_t now_s);

}  // namespace neffs::index
