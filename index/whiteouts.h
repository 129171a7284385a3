// Names that were deleted here although a source has them.
#pragma once

#include <string>
#include <vector>

#include "index/database.h"
#include "index/index.h"

namespace neffs::index {

std::vector<Whiteout> load_whiteouts(Database& database);
void store_whiteout(Database& database, const Whiteout& whiteout);
void drop_whiteout(Database& database, const std::string& path);
void drop_whiteouts_below(Database& database, const std::string& directory);

}  // namespace neffs::index
