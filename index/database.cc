#include "index/database.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "index/index.h"

namespace neffs::index {
namespace {

// Only another program can hold the file (an administrator with sqlite3), and a filesystem call may
// be waiting behind us.
constexpr int kBusyTimeoutMs = 500;

int flags_of(Database::Access access) {
  const int mode =
      access == Database::Access::kWrite ? SQLite::OPEN_READWRITE : SQLite::OPEN_READONLY;
  return mode | SQLite::OPEN_NOMUTEX;
}

IndexErrorKind kind_of(int code, int system_errno) {
  const bool is_full = system_errno == ENOSPC || system_errno == EDQUOT;
  if (code == SQLITE_FULL || (code == SQLITE_IOERR && is_full)) return IndexErrorKind::kNoSpace;
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) return IndexErrorKind::kDamaged;
  return IndexErrorKind::kUnavailable;
}

[[noreturn]] void rethrow(const SQLite::Exception& error, const std::string& file,
                          int system_errno) {
  const int code = error.getErrorCode() & 0xff;
  throw IndexError(kind_of(code, system_errno),
                   fmt::format("index {}: {} (SQLite error {})", file, error.what(),
                               error.getExtendedErrorCode()));
}

// A statement in use: whatever happens it is given back ready for the next time.
class Use {
 public:
  explicit Use(SQLite::Statement& statement) : statement_(statement) {}
  ~Use() { statement_.tryReset(); }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

 private:
  SQLite::Statement& statement_;
};

// SQLite resolves symbolic links when it opens a file, thereby also /proc/self/fd/N, and would then
// name the file by a path that the mount is about to cover. This is its own VFS but for that.
int keep_as_written(sqlite3_vfs*, const char* name, int size, char* full_name) {
  if (std::strlen(name) >= static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
  std::strcpy(full_name, name);
  return SQLITE_OK;
}

const char* verbatim_vfs() {
  static sqlite3_vfs vfs = [] {
    sqlite3_vfs copy = *sqlite3_vfs_find(nullptr);
    copy.zName = "neffs-verbatim";
    copy.xFullPathname = &keep_as_written;
    return copy;
  }();
  static const int registered = sqlite3_vfs_register(&vfs, 0);
  return registered == SQLITE_OK ? vfs.zName : nullptr;
}

int remember_wal_pages(void* pages, sqlite3*, const char*, int now) {
  *static_cast<int*>(pages) = now;
  return SQLITE_OK;
}

}  // namespace

struct Database::State {
  State(const std::filesystem::path& path, Access access)
      : file(path.string()), connection(file, flags_of(access), kBusyTimeoutMs, verbatim_vfs()) {}

  SQLite::Statement& prepared(const std::string& sql) {
    const auto found = statements.find(sql);
    if (found != statements.end()) return found->second;
    return statements.emplace(sql, SQLite::Statement(connection, sql)).first->second;
  }

  // Runs what calls SQLite and puts its errors into our words.
  template <typename Work>
  auto guarded(Work&& work) {
    try {
      return work();
    } catch (const SQLite::Exception& error) {
      rethrow(error, file, sqlite3_system_errno(connection.getHandle()));
    }
  }

  std::string file;
  int wal_pages = 0;
  SQLite::Database connection;
  std::unordered_map<std::string, SQLite::Statement> statements;
};

std::string Row::text(int column) const {
  return statement_.getColumn(column).getString();
}

std::int64_t Row::integer(int column) const {
  return statement_.getColumn(column).getInt64();
}

bool Row::is_null(int column) const {
  return statement_.isColumnNull(column);
}

Database::Database(const std::filesystem::path& file, Access access) {
  try {
    state_ = std::make_unique<State>(file, access);
  } catch (const SQLite::Exception& error) {
    rethrow(error, file.string(), 0);
  }
  sqlite3_wal_hook(state_->connection.getHandle(), &remember_wal_pages, &state_->wal_pages);
}

Database::~Database() = default;

int Database::run(const std::string& sql, std::initializer_list<Value> values,
                  const OnRow& on_row) {
  return state_->guarded([&] {
    SQLite::Statement& statement = state_->prepared(sql);
    const Use use(statement);
    int position = 0;
    for (const Value& value : values) {
      ++position;
      if (value.text_ != nullptr) {
        statement.bindNoCopy(position, *value.text_);
      } else {
        statement.bind(position, value.number_);
      }
    }
    while (statement.executeStep()) {
      if (on_row) on_row(Row(statement));
    }
    return state_->connection.getChanges();
  });
}

void Database::run_script(const std::string& sql) {
  state_->guarded([&] { state_->connection.exec(sql); });
}

std::int64_t Database::integer(const std::string& sql) {
  std::int64_t answer = 0;
  run(sql, {}, [&](const Row& row) { answer = row.integer(0); });
  return answer;
}

std::string Database::text(const std::string& sql) {
  std::string answer;
  run(sql, {}, [&](const Row& row) { answer = row.text(0); });
  return answer;
}

void Database::transaction(const std::function<void()>& work) {
  run("BEGIN IMMEDIATE");
  try {
    work();
    run("COMMIT");
  } catch (...) {
    // SQLite has rolled back by itself after some errors; a second time is refused, harmlessly.
    sqlite3_exec(state_->connection.getHandle(), "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
}

int Database::wal_pages() const {
  return state_->wal_pages;
}

void Database::checkpoint() {
  state_->guarded([&] { state_->connection.exec("PRAGMA wal_checkpoint(PASSIVE)"); });
}

}  // namespace neffs::index
