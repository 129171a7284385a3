#include "index/migrations.h"

#include <fmt/format.h>

#include <charconv>
#include <string>

#include "index/index.h"

namespace neffs::index {
namespace {

constexpr std::string_view kVersionLine = "PRAGMA user_version = ";
constexpr std::int64_t kApplicationId = 0x6e656666;  // "neff"; step 1 of the schema sets it

int version_of(Database& database) {
  const std::int64_t version = database.integer("PRAGMA user_version");
  const bool is_ours = database.integer("PRAGMA application_id") == kApplicationId;
  const bool is_empty = database.integer("SELECT count(*) FROM sqlite_schema") == 0;
  if (is_empty && version == 0) return 0;
  if (!is_ours || version <= 0) {
    throw IndexError(IndexErrorKind::kDamaged, "index: a database that neffs has not written");
  }
  return static_cast<int>(version);
}

void refuse_newer(int version) {
  const int newest = newest_version(kSchema);
  if (version <= newest) return;
  throw IndexError(IndexErrorKind::kNewerSchema,
                   fmt::format("index: written by a newer neffs (schema {}, this one knows {}): "
                               "update neffs, or give this mount another layer",
                               version, newest));
}

}  // namespace

int newest_version(std::string_view schema) {
  const std::size_t line = schema.rfind(kVersionLine);
  if (line == std::string_view::npos) return 0;
  const std::string_view digits = schema.substr(line + kVersionLine.size());
  int version = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), version);
  return version;
}

std::string_view steps_after(std::string_view schema, int version) {
  if (version == 0) return schema;
  const std::string line = fmt::format("{}{};", kVersionLine, version);
  const std::size_t found = schema.find(line);
  return found == std::string_view::npos ? std::string_view() : schema.substr(found + line.size());
}

bool migrate(Database& database) {
  int version = 0;
  // A transaction even if nothing is to be done: it says at once that a file cannot be written.
  database.transaction([&] {
    version = version_of(database);
    refuse_newer(version);
    database.run_script(std::string(steps_after(kSchema, version)));
  });
  return version == 0;
}

}  // namespace neffs::index
