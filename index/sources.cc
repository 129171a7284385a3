#include "index/sources.h"

namespace neffs::index {
namespace {

const std::string kSelect =
    "SELECT canonical_id, head, last_modified_s, is_private FROM sources"
    " WHERE endpoint = ? AND repo = ? AND revision = ?";
const std::string kReplace =
    "INSERT OR REPLACE INTO sources"
    " (endpoint, repo, revision, canonical_id, head, last_modified_s, is_private)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)";

}  // namespace

std::optional<SourceRecord> load_source(Database& database, const std::string& endpoint,
                                        const std::string& repo, const std::string& revision) {
  std::optional<SourceRecord> record;
  database.run(kSelect, {endpoint, repo, revision}, [&](const Row& row) {
    record = SourceRecord{endpoint,    repo,           revision,           row.text(0),
                          row.text(1), row.integer(2), row.integer(3) != 0};
  });
  return record;
}

void store_source(Database& database, const SourceRecord& record) {
  database.run(kReplace, {record.endpoint, record.repo, record.revision, record.canonical_id,
                          record.commit, record.last_modified_s, record.is_private});
}

std::optional<std::string> load_note(Database& database, const std::string& name) {
  std::optional<std::string> value;
  database.run("SELECT value FROM notes WHERE name = ?", {name},
               [&](const Row& row) { value = row.text(0); });
  return value;
}

void store_note(Database& database, const std::string& name,
                const std::optional<std::string>& value) {
  if (value)
    database.run("INSERT OR REPLACE INTO notes (name, value) VALUES (?, ?)", {name, *value});
  else
    database.run("DELETE FROM notes WHERE name = ?", {name});
}

}  // namespace neffs::index
