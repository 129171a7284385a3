// Git trees as the Hub listed them. A tree id names its entries for ever, so rows never go stale.
// Functions on an open database: what is one transaction is decided above.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "index/database.h"
#include "index/index.h"

namespace neffs::index {

// One statement, thus one snapshot: a tree that is being replaced is read before or after, whole.
std::optional<std::vector<TreeEntry>> load_tree(Database& database, const std::string& tree_id,
                                                TreeDepth depth);

// Inside a transaction.
void store_tree(Database& database, const std::string& tree_id, TreeDepth depth,
                std::span<const TreeEntry> entries);

}  // namespace neffs::index
