// Brings a database of any earlier version, or an empty one, to the schema of this program.
#pragma once

#include <string_view>

#include "index/database.h"

namespace neffs::index {

// index/schema.sql, which explains itself.
extern const std::string_view kSchema;

// The last version that `schema` sets; 0 if it sets none.
int newest_version(std::string_view schema);

// What a database of `version` has still to run; empty for the newest one. Version 0
// is the empty database.
std::string_view steps_after(std::string_view schema, int version);

// Throws IndexError: kDamaged for a file that is not an index of ours, kNewerSchema for one of a
// later program. Returns true if the database was empty.
bool migrate(Database& database);

}  // namespace neffs::index
