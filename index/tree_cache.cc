#include "index/tree_cache.h"

#include <utility>

namespace neffs::index {
namespace {

const std::string kDropTree = "DELETE FROM trees WHERE git_id = ? AND depth = ?";
const std::string kAddTree = "INSERT INTO trees (git_id, depth) VALUES (?, ?)";
const std::string kTreeRow = "SELECT id FROM trees WHERE git_id = ? AND depth = ?";
const std::string kAddEntry =
    "INSERT INTO tree_entries (tree, path, is_directory, oid, size, content)"
    " VALUES (?, ?, ?, ?, ?, ?)";
// An empty tree is one row of nulls.
const std::string kEntries =
    "SELECT path, is_directory, oid, size, content"
    " FROM trees LEFT JOIN tree_entries ON tree = id WHERE git_id = ? AND depth = ? ORDER BY path";

TreeEntry entry_of(const Row& row) {
  return {row.text(0), row.integer(1) != 0, row.text(2), static_cast<std::uint64_t>(row.integer(3)),
          row.text(4)};
}

}  // namespace

std::optional<std::vector<TreeEntry>> load_tree(Database& database, const std::string& tree_id,
                                                TreeDepth depth) {
  std::optional<std::vector<TreeEntry>> entries;
  database.run(kEntries, {tree_id, static_cast<int>(depth)}, [&](const Row& row) {
    if (!entries) entries.emplace();
    if (!row.is_null(0)) entries->push_back(entry_of(row));
  });
  return entries;
}

void store_tree(Database& database, const std::string& tree_id, TreeDepth depth,
                std::span<const TreeEntry> entries) {
  const int number = static_cast<int>(depth);
  database.run(kDropTree, {tree_id, number});
  database.run(kAddTree, {tree_id, number});
  std::int64_t tree = 0;
  database.run(kTreeRow, {tree_id, number}, [&](const Row& row) { tree = row.integer(0); });
  for (const TreeEntry& entry : entries) {
    database.run(kAddEntry,
                 {tree, entry.path, entry.is_directory, entry.oid, entry.size, entry.content});
  }
}

}  // namespace neffs::index
