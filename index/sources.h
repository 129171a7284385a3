// Repos as they were when they were last asked about.
#pragma once

#include <optional>
#include <string>

#include "index/database.h"
#include "index/index.h"

namespace neffs::index {

std::optional<SourceRecord> load_source(Database& database, const std::string& endpoint,
                                        const std::string& repo, const std::string& revision);

void store_source(Database& database, const SourceRecord& record);

}  // namespace neffs::index
