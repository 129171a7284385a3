#include "index/pushes.h"

#include <fmt/format.h>

#include <utility>

#include "index/upload_queue.h"
#include "index/upload_sql.h"

namespace neffs::index {
namespace {

// UploadFile::content() of a row.
constexpr std::string_view kContent = "CASE mode WHEN 1 THEN sha1 WHEN 2 THEN sha256 ELSE '' END";

const std::string kDelete = "DELETE FROM pushes WHERE id = ?1";
const std::string kInsert = "INSERT INTO pushes (id, target, parent, begun_s) VALUES (?, ?, ?, ?)";
const std::string kInsertFiles = fmt::format(
    "INSERT OR IGNORE INTO push_files (push, upload_path, generation, path, content)"
    " SELECT ?1, u.path, u.generation, f.path, {0} FROM uploads u"
    " JOIN upload_files f ON f.upload = u.generation"
    " WHERE u.generation = ?2 AND u.target = ?3 AND u.state = 1"
    " AND NOT EXISTS (SELECT 1 FROM upload_files WHERE upload = ?2 AND {0} = '')",
    kContent);

constexpr std::string_view kSelect =
    "SELECT p.id, t.endpoint, t.repo, t.branch, p.parent, p.begun_s, f.upload_path, f.generation,"
    " f.path, f.content FROM pushes p JOIN upload_targets t ON t.id = p.target"
    " JOIN push_files f ON f.push = p.id";
const std::string kSelectOne =
    fmt::format("{} WHERE p.id = ?1 ORDER BY f.upload_path, f.path", kSelect);
const std::string kSelectOfTarget =
    fmt::format("{} WHERE p.target = ?1 ORDER BY p.rowid, f.upload_path, f.path", kSelect);

const std::string kMakeCopies =
    "UPDATE layer_files SET origin = 0, placement = 1, source = ?3, fetched_at = ?4,"
    " content = p.content, size = f.size, mtime_ns = f.mtime_ns, is_queued = 0, target = 0"
    " FROM push_files p JOIN upload_files f ON f.upload = p.generation AND f.path = p.path"
    " WHERE p.push = ?1 AND p.upload_path = ?2 AND layer_files.path = p.path"
    " AND layer_files.origin = 1 AND layer_files.is_queued = 1";
const std::string kFindOurs =
    "SELECT 1 FROM upload_files f JOIN layer_files l ON l.path = f.path"
    " WHERE f.upload = ?1 AND l.origin = 1 LIMIT 1";
const std::string kEnd = fmt::format(
    "UPDATE uploads SET state = 2, not_before_s = 0, error = '', pushed_at = ?2, updated_s = ?3,"
    " ended = {} WHERE generation = ?1",
    kNextEnd);
const std::string kQueueAgain =
    "UPDATE uploads SET state = 0, not_before_s = 0, error = '', pushed_at = ?2, updated_s = ?3,"
    " ended = 0 WHERE generation = ?1";
const std::string kNoteCommit =
    "UPDATE uploads SET pushed_at = ?3 WHERE path = ?1 AND target = ?2 AND ended = 0";

const std::string kQueueInterrupted =
    "UPDATE uploads SET state = 0, not_before_s = 0, updated_s = ?2"
    " WHERE target = ?1 AND state = 1 AND generation NOT IN (SELECT generation FROM push_files)";

// Rows of one push, and in it of one upload, come one after the other.
void add_file(std::vector<Push>& pushes, const Row& row) {
  if (pushes.empty() || pushes.back().id != row.text(0)) {
    const UploadTarget target{row.text(1), row.text(2), row.text(3)};
    pushes.push_back({row.text(0), target, row.text(4), row.integer(5), {}});
  }
  auto& uploads = pushes.back().uploads;
  if (uploads.empty() || uploads.back().path != row.text(6))
    uploads.push_back({row.text(6), row.integer(7), {}});
  uploads.back().files.push_back({row.text(8), row.text(9)});
}

std::vector<Push> load_push(Database& database, const std::string& id) {
  std::vector<Push> pushes;
  database.run(kSelectOne, {id}, [&](const Row& row) { add_file(pushes, row); });
  return pushes;
}

bool has_ours(Database& database, std::int64_t generation) {
  bool found = false;
  database.run(kFindOurs, {generation}, [&](const Row&) { found = true; });
  return found;
}

}  // namespace

Push store_push(Database& database, const Push& push, std::span<const std::int64_t> generations) {
  const std::int64_t target = keep_target(database, push.target);
  database.run(kDelete, {push.id});
  database.run(kInsert, {push.id, target, push.parent, push.begun_s});
  for (const std::int64_t generation : generations)
    database.run(kInsertFiles, {push.id, generation, target});
  auto stored = load_push(database, push.id);
  if (!stored.empty()) return std::move(stored.front());
  database.run(kDelete, {push.id});
  return push;
}

PushOutcome store_finished_push(Database& database, const std::string& id,
                                const std::string& commit, const std::string& source,
                                std::int64_t now_s) {
  PushOutcome outcome;
  for (const Push& push : load_push(database, id)) {
    const std::int64_t target = keep_target(database, push.target);
    for (const PushedUpload& upload : push.uploads) {
      database.run(kMakeCopies, {id, upload.path, source, commit});
      const bool is_changed = has_ours(database, upload.generation);
      if (database.run(is_changed ? kQueueAgain : kEnd, {upload.generation, commit, now_s}) > 0)
        (is_changed ? outcome.changed : outcome.pushed).push_back(upload.path);
      else if (database.run(kNoteCommit, {upload.path, target, commit}) > 0)
        outcome.changed.push_back(upload.path);
    }
  }
  drop_push(database, id);
  return outcome;
}

void drop_push(Database& database, const std::string& id) {
  database.run(kDelete, {id});
}

std::vector<Push> store_recovery(Database& database, const UploadTarget& target,
                                 std::int64_t now_s) {
  const std::int64_t number = keep_target(database, target);
  database.run(kQueueInterrupted, {number, now_s});
  std::vector<Push> pushes;
  database.run(kSelectOfTarget, {number}, [&](const Row& row) { add_file(pushes, row); });
  return pushes;
}

}  // namespace neffs::index
