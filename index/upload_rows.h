// Reads uploads: their rows as values. Functions on an open database; each is one statement, thus one
// snapshot.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "index/database.h"
#include "index/upload.h"

namespace neffs::index {

// A number for the target; 0, which no target has, if the database does not know it.
std::int64_t find_target(Database& database, const UploadTarget& target);

std::optional<Upload> load_upload(Database& database, const std::string& path);
std::vector<Upload> load_due(Database& database, std::int64_t target, std::int64_t now_s,
                             const UploadLimit& limit);
std::optional<std::int64_t> load_next_due(Database& database, std::int64_t target);
// mine: as in Index; a target without a number has no uploads.
std::vector<UploadEntry> load_open(Database& database, const std::optional<std::int64_t>& mine);
std::vector<UploadEntry> load_ended(Database& database, std::uint64_t limit);
UploadTotals sum_uploads(Database& database, const std::optional<std::int64_t>& mine);

}  // namespace neffs::index
