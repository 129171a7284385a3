#include "index/upload_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "index/layer_files.h"
#include "index/path_sql.h"
#include "index/upload_rows.h"
#include "index/upload_sql.h"

namespace neffs::index {
namespace {

const std::string kKeepTarget =
    "INSERT OR IGNORE INTO upload_targets (endpoint, repo, branch) VALUES (?, ?, ?)";

const std::string kSelectBefore =
    "SELECT u.generation, u.target, u.pushed_at, f.path, f.size, f.mtime_ns, f.ctime_ns, f.inode,"
    " f.sha256, f.sha1, f.mode, f.uploaded"
    " FROM uploads u JOIN upload_files f ON f.upload = u.generation WHERE u.path = ?1";
const std::string kDelete = "DELETE FROM uploads WHERE path = ?1";
const std::string kInsert =
    "INSERT INTO uploads (path, target, state, attempts, not_before_s, error, pushed_at, files,"
    " bytes, updated_s, ended) VALUES (?1, ?2, 0, 0, 0, '', ?3, ?4, ?5, ?6, 0)"
    " RETURNING generation";
const std::string kInsertFile =
    "INSERT INTO upload_files (upload, path, size, mtime_ns, ctime_ns, inode, sha256, sha1, mode,"
    " uploaded) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
// A copy stays one: it is published with the others, and can be had from its source all the same.
const std::string kMarkQueued =
    "INSERT INTO layer_files (path, origin, placement, source, fetched_at, content, size, mtime_ns,"
    " is_queued, target) VALUES (?1, 1, 1, '', '', '', 0, 0, 1, ?2)"
    " ON CONFLICT (path) DO UPDATE SET is_queued = 1, target = iif(target = 0, ?2, target)"
    " WHERE origin = 1";

const std::string kMakeDue =
    "UPDATE uploads SET not_before_s = 0 WHERE target = ?1 AND state = 0 AND not_before_s > 0";
const std::string kMarkUploading =
    "UPDATE uploads SET state = 1, updated_s = ?2 WHERE generation = ?1 AND state = 0";
const std::string kIsUploading = "SELECT 1 FROM uploads WHERE generation = ?1 AND state = 1";

constexpr std::string_view kOpenFile =
    "upload = ?1 AND path = ?2 AND EXISTS"
    " (SELECT 1 FROM uploads WHERE generation = ?1 AND ended = 0)";
const std::string kNoteHashes =
    fmt::format("UPDATE upload_files SET sha256 = ?3, sha1 = ?4 WHERE {}", kOpenFile);
const std::string kNoteMode = fmt::format("UPDATE upload_files SET mode = ?3 WHERE {}", kOpenFile);
const std::string kNoteUploaded =
    fmt::format("UPDATE upload_files SET uploaded = sha256 WHERE sha256 <> '' AND {}", kOpenFile);

const std::string kPutBack =
    "UPDATE uploads SET state = 0, not_before_s = ?2, error = iif(?3 = '', error, ?3),"
    " attempts = attempts + (?3 <> ''), updated_s = ?4 WHERE generation = ?1 AND state IN (1, 4)";
const std::string kFail =
    "UPDATE uploads SET state = 4, error = ?2, updated_s = ?3"
    " WHERE generation = ?1 AND state IN (0, 1)";
const std::string kSupersede = fmt::format(
    "UPDATE uploads SET state = 3, error = '', pushed_at = ?2, updated_s = ?3, ended = {}"
    " WHERE generation = ?1 AND state IN (0, 1, 4)",
    kNextEnd);
const std::string kDropAll = "DELETE FROM uploads";
const std::string kDropBelow = fmt::format("DELETE FROM uploads WHERE {}", kAtOrBelow);
const std::string kDropPushed =
    "DELETE FROM uploads WHERE state = 2 AND ended > 0 AND ended <="
    " (SELECT ended FROM uploads WHERE ended > 0 ORDER BY ended DESC LIMIT 1 OFFSET ?1)";

// What was found out about a file: of its bytes as they are, but for the last.
struct Known {
  FileSnapshot snapshot;
  std::string sha256;
  std::string sha1;
  std::int64_t mode = 0;
  std::string uploaded;
};

struct Before {
  std::int64_t generation = 0;  // none
  std::int64_t target = 0;
  std::string commit;
  std::unordered_map<std::string, Known> files;
};

Before load_before(Database& database, const std::string& path) {
  Before before;
  database.run(kSelectBefore, {path}, [&](const Row& row) {
    before.generation = row.integer(0);
    before.target = row.integer(1);
    before.commit = row.text(2);
    before.files[row.text(3)] = {{static_cast<std::uint64_t>(row.integer(4)), row.integer(5),
                                  row.integer(6), static_cast<std::uint64_t>(row.integer(7))},
                                 row.text(8),
                                 row.text(9),
                                 row.integer(10),
                                 row.text(11)};
  });
  return before;
}

bool are_same(const Before& before, std::span<const SeenFile> files) {
  return before.files.size() == files.size() &&
         std::all_of(files.begin(), files.end(), [&](const SeenFile& file) {
           const auto known = before.files.find(file.path);
           return known != before.files.end() && known->second.snapshot == file.snapshot;
         });
}

struct Records {
  std::int64_t other_target = 0;  // that one of the files was written for
  bool are_queued = true;         // nothing has been written to since
};

Records look_at_records(Database& database, std::span<const SeenFile> files, std::int64_t target) {
  Records records;
  for (const SeenFile& file : files) {
    const auto record = load_file(database, file.path);
    const bool is_copy = record && record->origin == Origin::kCopy;
    if (!is_copy && (!record || !record->is_queued)) records.are_queued = false;
    if (!is_copy && record && record->target != 0 && record->target != target)
      records.other_target = record->target;
  }
  return records;
}

std::int64_t insert_upload(Database& database, const std::string& path, std::int64_t target,
                           const std::string& commit, std::span<const SeenFile> files,
                           std::int64_t now_s) {
  std::uint64_t bytes = 0;
  for (const SeenFile& file : files) bytes += file.snapshot.size;
  std::int64_t generation = 0;
  database.run(kInsert, {path, target, commit, files.size(), bytes, now_s},
               [&](const Row& row) { generation = row.integer(0); });
  return generation;
}

// What of it still holds for a file that is as `seen` now.
Known still_known(const Before& before, const SeenFile& seen, bool is_same_target) {
  Known known;
  if (const auto found = before.files.find(seen.path); found != before.files.end())
    known = found->second;
  if (known.snapshot != seen.snapshot) known = {seen.snapshot, "", "", 0, known.uploaded};
  if (!is_same_target) {
    known.mode = 0;
    known.uploaded.clear();
  }
  return known;
}

}  // namespace

std::int64_t keep_target(Database& database, const UploadTarget& target) {
  database.run(kKeepTarget, {target.endpoint, target.repo, target.branch});
  return find_target(database, target);
}

Queued store_upload(Database& database, const std::string& path, const UploadTarget& target,
                    std::span<const SeenFile> files, std::int64_t now_s) {
  const std::int64_t mine = keep_target(database, target);
  const Records records = look_at_records(database, files, mine);
  const std::int64_t owner = records.other_target != 0 ? records.other_target : mine;
  const bool is_held = owner != mine;
  const Before before = load_before(database, path);
  const bool is_same_target = before.target == owner;
  if (is_same_target && records.are_queued && are_same(before, files))
    return {Queued::Change::kUnchanged, before.generation, is_held};

  database.run(kDelete, {path});
  const std::int64_t generation = insert_upload(
      database, path, owner, is_same_target ? before.commit : std::string(), files, now_s);
  for (const SeenFile& file : files) {
    const auto& [snapshot, sha256, sha1, mode, uploaded] =
        still_known(before, file, is_same_target);
    database.run(kInsertFile, {generation, file.path, snapshot.size, snapshot.mtime_ns,
                               snapshot.ctime_ns, snapshot.inode, sha256, sha1, mode, uploaded});
    database.run(kMarkQueued, {file.path, owner});
  }
  const bool is_new = before.generation == 0;
  return {is_new ? Queued::Change::kNew : Queued::Change::kAnew, generation, is_held};
}

void store_due(Database& database, std::int64_t target) {
  database.run(kMakeDue, {target});
}

bool store_uploading(Database& database, std::int64_t generation, std::int64_t now_s) {
  database.run(kMarkUploading, {generation, now_s});
  bool is_uploading = false;
  database.run(kIsUploading, {generation}, [&](const Row&) { is_uploading = true; });
  return is_uploading;
}

bool store_hashes(Database& database, std::int64_t generation, const std::string& path,
                  const std::string& sha256, const std::string& sha1) {
  return database.run(kNoteHashes, {generation, path, sha256, sha1}) > 0;
}

bool store_mode(Database& database, std::int64_t generation, const std::string& path,
                UploadMode mode) {
  return database.run(kNoteMode, {generation, path, static_cast<int>(mode)}) > 0;
}

bool store_uploaded(Database& database, std::int64_t generation, const std::string& path) {
  return database.run(kNoteUploaded, {generation, path}) > 0;
}

void store_put_back(Database& database, std::int64_t generation, std::int64_t not_before_s,
                    const std::string& error, std::int64_t now_s) {
  database.run(kPutBack, {generation, not_before_s, error, now_s});
}

void store_failed(Database& database, std::int64_t generation, const std::string& error,
                  std::int64_t now_s) {
  database.run(kFail, {generation, error, now_s});
}

void store_superseded(Database& database, std::int64_t generation, const std::string& commit,
                      std::int64_t now_s) {
  database.run(kSupersede, {generation, commit, now_s});
}

void drop_uploads(Database& database, const std::string& path) {
  if (path.empty())
    database.run(kDropAll, {});
  else
    database.run(kDropBelow, {path});
}

void drop_pushed(Database& database, std::uint64_t kept) {
  database.run(kDropPushed, {kept});
}

}  // namespace neffs::index
