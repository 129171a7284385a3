// Repos as they were when they were last asked about, and small facts beside them.
#pragma once

#include <optional>
#include <string>

#include "index/database.h"
#include "index/index.h"

namespace neffs::index {

std::optional<SourceRecord> load_source(Database& database, const std::string& endpoint,
                                        const std::string& repo, const std::string& revision);

void store_source(Database& database, const SourceRecord& record);

std::optional<std::string> load_note(Database& database, const std::string& name);
void store_note(Database& database, const std::string& name,
                const std::optional<std::string>& value);

}  // namespace neffs::index
