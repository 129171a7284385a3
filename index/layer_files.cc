#include "index/layer_files.h"

#include <fmt/format.h>

#include "index/path_sql.h"

namespace neffs::index {
namespace {

constexpr const char* kColumns =
    "path, origin, placement, source, fetched_at, content, size, mtime_ns, is_queued, target";

const std::string kSelectOne = fmt::format("SELECT {} FROM layer_files WHERE path = ?1", kColumns);
const std::string kSelectAll = fmt::format("SELECT {} FROM layer_files ORDER BY path", kColumns);
const std::string kSelectBelow =
    fmt::format("SELECT {} FROM layer_files WHERE {} ORDER BY path", kColumns, kAtOrBelow);
const std::string kSelectIntended = fmt::format(
    "SELECT {} FROM layer_files WHERE origin = 0 AND placement = 0 ORDER BY path", kColumns);
const std::string kSumCopies =
    "SELECT count(*), ifnull(sum(size), 0) FROM layer_files WHERE origin = 0 AND placement = 1";

const std::string kIntend = fmt::format(
    "INSERT INTO layer_files ({}) VALUES (?1, 0, 0, ?2, ?3, ?4, ?5, ?6, 0, 0)"
    " ON CONFLICT (path) DO UPDATE SET placement = 0, source = ?2, fetched_at = ?3, content = ?4,"
    " size = ?5, mtime_ns = ?6 WHERE origin = 0",
    kColumns);
const std::string kDropIntent =
    "DELETE FROM layer_files WHERE path = ?1 AND origin = 0 AND placement = 0";
const std::string kPlace =
    "UPDATE layer_files SET placement = 1, size = ?2, mtime_ns = ?3 WHERE path = ?1 AND origin = 0";
const std::string kMarkOurs = fmt::format(
    "INSERT INTO layer_files ({}) VALUES (?1, 1, 1, '', '', '', 0, 0, 0, ?2)"
    " ON CONFLICT (path) DO UPDATE SET origin = 1, placement = 1, source = '', fetched_at = '',"
    " content = '', size = 0, mtime_ns = 0, is_queued = 0, target = iif(target = 0, ?2, target)"
    " WHERE origin = 0 OR is_queued = 1 OR target = 0",
    kColumns);
const std::string kForget = "DELETE FROM layer_files WHERE path = ?1";
const std::string kForgetBelow = fmt::format("DELETE FROM layer_files WHERE {}", kAtOrBelow);
const std::string kInsert = fmt::format(
    "INSERT INTO layer_files ({}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)", kColumns);
const std::string kMakeOursBelow = fmt::format(
    "UPDATE layer_files SET origin = 1, placement = 1, source = '', fetched_at = '', content = '',"
    " size = 0, mtime_ns = 0, is_queued = 0 WHERE (origin = 0 OR is_queued = 1) AND {}",
    kAtOrBelow);
const std::string kForetell = fmt::format(
    "INSERT OR REPLACE INTO layer_files ({}) SELECT {}, 1, 1, '', '', '', 0, 0, 0, target FROM"
    " layer_files WHERE {}",
    kColumns, kRenamed, kAtOrBelow);
// What is under a name now is not what was queued.
const std::string kRename =
    fmt::format("UPDATE layer_files SET path = {}, is_queued = 0 WHERE {}", kRenamed, kAtOrBelow);

LayerFile file_of(const Row& row) {
  LayerFile file;
  file.path = row.text(0);
  file.origin = row.integer(1) == 0 ? Origin::kCopy : Origin::kOurs;
  file.placement = row.integer(2) == 0 ? Placement::kIntended : Placement::kPlaced;
  file.source = row.text(3);
  file.commit = row.text(4);
  file.content = row.text(5);
  file.size = static_cast<std::uint64_t>(row.integer(6));
  file.mtime_ns = row.integer(7);
  file.is_queued = row.integer(8) != 0;
  file.target = row.integer(9);
  return file;
}

std::vector<LayerFile> load_all(Database& database, const std::string& sql,
                                std::initializer_list<Value> values) {
  std::vector<LayerFile> files;
  database.run(sql, values, [&](const Row& row) { files.push_back(file_of(row)); });
  return files;
}

}  // namespace

std::optional<LayerFile> load_file(Database& database, const std::string& path) {
  std::optional<LayerFile> file;
  database.run(kSelectOne, {path}, [&](const Row& row) { file = file_of(row); });
  return file;
}

std::vector<LayerFile> load_files_below(Database& database, const std::string& directory) {
  if (directory.empty()) return load_all(database, kSelectAll, {});
  return load_all(database, kSelectBelow, {directory});
}

std::vector<LayerFile> load_intended(Database& database) {
  return load_all(database, kSelectIntended, {});
}

LayerTotals sum_copies(Database& database) {
  LayerTotals totals;
  database.run(kSumCopies, {}, [&](const Row& row) {
    totals.files = static_cast<std::uint64_t>(row.integer(0));
    totals.bytes = static_cast<std::uint64_t>(row.integer(1));
  });
  return totals;
}

bool store_intent(Database& database, const LayerFile& copy) {
  return database.run(kIntend, {copy.path, copy.source, copy.commit, copy.content, copy.size,
                                copy.mtime_ns}) > 0;
}

void store_placement(Database& database, const std::string& path, std::uint64_t size,
                     std::int64_t mtime_ns) {
  database.run(kPlace, {path, size, mtime_ns});
}

void store_ours(Database& database, const std::string& path, std::int64_t target) {
  database.run(kMarkOurs, {path, target});
}

void drop_intent(Database& database, const std::string& path) {
  database.run(kDropIntent, {path});
}

void drop_file(Database& database, const std::string& path) {
  database.run(kForget, {path});
}

void foretell_renamed(Database& database, const std::string& from, const std::string& to) {
  database.run(kMakeOursBelow, {to});
  database.run(kForetell, {from, to});
}

void drop_renamed(Database& database, const std::string& from, const std::string& to) {
  if (from == to) return;
  if (load_files_below(database, from).empty()) database.run(kForgetBelow, {to});
  database.run(kForgetBelow, {from});
}

void replace_files(Database& database, const std::string& directory,
                   const std::vector<LayerFile>& files) {
  database.run(kForgetBelow, {directory});
  for (const auto& file : files)
    database.run(kInsert, {file.path, static_cast<std::int64_t>(file.origin),
                           static_cast<std::int64_t>(file.placement), file.source, file.commit,
                           file.content, file.size, file.mtime_ns, file.is_queued, file.target});
}

void swap_files(Database& database, const std::string& one, const std::string& other) {
  const std::string aside = "//";  // a path that no file can have
  database.run(kRename, {one, aside});
  database.run(kRename, {other, one});
  database.run(kRename, {aside, other});
}

}  // namespace neffs::index
