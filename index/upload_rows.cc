#include "index/upload_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "index/index.h"

namespace neffs::index {
namespace {

constexpr std::string_view kEntryColumns =
    "u.path, u.generation, t.endpoint, t.repo, t.branch, u.state, u.attempts, u.not_before_s,"
    " u.error, u.pushed_at, u.files, u.bytes, u.updated_s, u.target";
constexpr int kTargetColumn = 13;
constexpr std::string_view kFileColumns =
    "f.path, f.size, f.mtime_ns, f.ctime_ns, f.inode, f.sha256, f.sha1, f.mode,"
    " f.uploaded <> '' AND f.uploaded = f.sha256";
constexpr int kFirstFileColumn = 14;  // behind those of the entry

const std::string kFindTarget =
    "SELECT id FROM upload_targets WHERE endpoint = ? AND repo = ? AND branch = ?";
const std::string kSelectUpload = fmt::format(
    "SELECT {}, {} FROM uploads u JOIN upload_targets t ON t.id = u.target"
    " JOIN upload_files f ON f.upload = u.generation WHERE u.path = ?1 ORDER BY f.path",
    kEntryColumns, kFileColumns);
const std::string kSelectOpen = fmt::format(
    "SELECT {} FROM uploads u JOIN upload_targets t ON t.id = u.target WHERE u.ended = 0"
    " ORDER BY u.path",
    kEntryColumns);
const std::string kSelectEnded = fmt::format(
    "SELECT {} FROM uploads u JOIN upload_targets t ON t.id = u.target WHERE u.ended > 0"
    " ORDER BY u.ended DESC LIMIT ?1",
    kEntryColumns);

const std::string kSelectDue = fmt::format(
    "SELECT {}, {} FROM (SELECT * FROM uploads WHERE target = ?1 AND state = 0 AND"
    " not_before_s <= ?2 ORDER BY not_before_s, generation LIMIT ?3) u"
    " JOIN upload_targets t ON t.id = u.target JOIN upload_files f ON f.upload = u.generation"
    " ORDER BY u.not_before_s, u.generation, f.path",
    kEntryColumns, kFileColumns);
const std::string kSelectNextDue =
    "SELECT not_before_s FROM uploads WHERE target = ?1 AND state = 0 ORDER BY not_before_s LIMIT "
    "1";
const std::string kSumUploads =
    "SELECT target, state, count(*), sum(bytes) FROM uploads GROUP BY target, state";

// A number from the file may be anything, an enumeration only what it names.
template <typename Enum>
Enum checked(std::int64_t number, Enum last) {
  if (number < 0 || number > static_cast<std::int64_t>(last))
    throw IndexError(IndexErrorKind::kDamaged, fmt::format("index: an upload says {}", number));
  return static_cast<Enum>(number);
}

UploadEntry entry_of(const Row& row) {
  UploadEntry entry;
  entry.path = row.text(0);
  entry.generation = row.integer(1);
  entry.target = {row.text(2), row.text(3), row.text(4)};
  entry.state = checked(row.integer(5), UploadState::kFailed);
  entry.attempts = static_cast<int>(row.integer(6));
  entry.not_before_s = row.integer(7);
  entry.error = row.text(8);
  entry.commit = row.text(9);
  entry.files = static_cast<std::uint64_t>(row.integer(10));
  entry.bytes = static_cast<std::uint64_t>(row.integer(11));
  entry.updated_s = row.integer(12);
  return entry;
}

UploadFile file_of(const Row& row) {
  constexpr int first = kFirstFileColumn;
  UploadFile file;
  file.path = row.text(first);
  file.snapshot = {static_cast<std::uint64_t>(row.integer(first + 1)), row.integer(first + 2),
                   row.integer(first + 3), static_cast<std::uint64_t>(row.integer(first + 4))};
  file.sha256 = row.text(first + 5);
  file.sha1 = row.text(first + 6);
  file.mode = checked(row.integer(first + 7), UploadMode::kLfs);
  file.is_uploaded = row.integer(first + 8) != 0;
  return file;
}

// Rows of one upload come one after the other.
void add_file(std::vector<Upload>& uploads, const Row& row) {
  if (uploads.empty() || uploads.back().entry.generation != row.integer(1))
    uploads.push_back({entry_of(row), {}});
  uploads.back().files.push_back(file_of(row));
}

UploadCount& count_of(UploadTotals& totals, UploadState state) {
  switch (state) {
    case UploadState::kQueued:
      return totals.queued;
    case UploadState::kUploading:
      return totals.uploading;
    case UploadState::kPushed:
      return totals.pushed;
    case UploadState::kSuperseded:
      return totals.superseded;
    case UploadState::kFailed:
      return totals.failed;
    case UploadState::kHeld:
      break;
  }
  return totals.held;
}

bool has_ended(UploadState state) {
  return state == UploadState::kPushed || state == UploadState::kSuperseded;
}

UploadState shown_state(UploadState stored, std::int64_t target,
                        const std::optional<std::int64_t>& mine) {
  const bool is_mine = !mine || *mine == target;
  return is_mine || has_ended(stored) ? stored : UploadState::kHeld;
}

}  // namespace

const std::string& UploadFile::content() const {
  static const std::string unknown;
  switch (mode) {
    case UploadMode::kRegular:
      return sha1;
    case UploadMode::kLfs:
      return sha256;
    case UploadMode::kUnknown:
      break;
  }
  return unknown;
}

std::int64_t find_target(Database& database, const UploadTarget& target) {
  std::int64_t id = 0;
  database.run(kFindTarget, {target.endpoint, target.repo, target.branch},
               [&](const Row& row) { id = row.integer(0); });
  return id;
}

std::optional<Upload> load_upload(Database& database, const std::string& path) {
  std::vector<Upload> found;
  database.run(kSelectUpload, {path}, [&](const Row& row) { add_file(found, row); });
  return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

std::vector<Upload> load_due(Database& database, std::int64_t target, std::int64_t now_s,
                             const UploadLimit& limit) {
  std::vector<Upload> due;
  database.run(kSelectDue, {target, now_s, std::max<std::uint64_t>(limit.uploads, 1)},
               [&](const Row& row) { add_file(due, row); });
  std::uint64_t bytes = 0;
  const auto is_too_much = [&](const Upload& upload) {
    bytes += upload.entry.bytes;
    return bytes > limit.bytes && &upload != &due.front();
  };
  due.erase(std::find_if(due.begin(), due.end(), is_too_much), due.end());
  return due;
}

std::optional<std::int64_t> load_next_due(Database& database, std::int64_t target) {
  std::optional<std::int64_t> due;
  database.run(kSelectNextDue, {target}, [&](const Row& row) { due = row.integer(0); });
  return due;
}

std::vector<UploadEntry> load_open(Database& database, const std::optional<std::int64_t>& mine) {
  std::vector<UploadEntry> entries;
  database.run(kSelectOpen, {}, [&](const Row& row) {
    entries.push_back(entry_of(row));
    entries.back().state = shown_state(entries.back().state, row.integer(kTargetColumn), mine);
  });
  return entries;
}

std::vector<UploadEntry> load_ended(Database& database, std::uint64_t limit) {
  std::vector<UploadEntry> entries;
  database.run(kSelectEnded, {limit}, [&](const Row& row) { entries.push_back(entry_of(row)); });
  return entries;
}

UploadTotals sum_uploads(Database& database, const std::optional<std::int64_t>& mine) {
  UploadTotals totals;
  database.run(kSumUploads, {}, [&](const Row& row) {
    const auto stored = checked(row.integer(1), UploadState::kFailed);
    auto& count = count_of(totals, shown_state(stored, row.integer(0), mine));
    count.uploads += static_cast<std::uint64_t>(row.integer(2));
    count.bytes += static_cast<std::uint64_t>(row.integer(3));
  });
  return totals;
}

}  // namespace neffs::index
