#include "index/whiteouts.h"

#include <fmt/format.h>

#include "index/path_sql.h"

namespace neffs::index {
namespace {

const std::string kSelect = "SELECT path, content FROM whiteouts ORDER BY path";
const std::string kReplace = "INSERT OR REPLACE INTO whiteouts (path, content) VALUES (?, ?)";
const std::string kDelete = "DELETE FROM whiteouts WHERE path = ?";
const std::string kDeleteAll = "DELETE FROM whiteouts";
const std::string kDeleteBelow = fmt::format("DELETE FROM whiteouts WHERE {}", kAtOrBelow);

}  // namespace

std::vector<Whiteout> load_whiteouts(Database& database) {
  std::vector<Whiteout> whiteouts;
  database.run(kSelect, {}, [&](const Row& row) {
    whiteouts.push_back({row.text(0), row.text(1)});
  });
  return whiteouts;
}

void store_whiteout(Database& database, const Whiteout& whiteout) {
  database.run(kReplace, {whiteout.path, whiteout.content});
}

void drop_whiteout(Database& database, const std::string& path) {
  database.run(kDelete, {path});
}

void drop_whiteouts_below(Database& database, const std::string& directory) {
  if (directory.empty())
    database.run(kDeleteAll, {});
  else
    database.run(kDeleteBelow, {directory});
}

}  // namespace neffs::index
