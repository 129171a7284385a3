#include "index/connections.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "index/damage.h"
#include "index/migrations.h"

namespace neffs::index {
namespace {

constexpr int kLongWalPages = 1000;    // 4 MB
constexpr int kQuickCheckPages = 256;  // 1 MB: about a millisecond

[[noreturn]] void throw_errno(const std::filesystem::path& path, const char* what) {
  const int error = errno;
  const bool is_full = error == ENOSPC || error == EDQUOT;
  throw IndexError(
      is_full ? IndexErrorKind::kNoSpace : IndexErrorKind::kUnavailable,
      fmt::format("index {}: {}: {}", path.string(), what, std::generic_category().message(error)));
}

// SQLite would make it readable for everybody. Its -wal and -shm take the mode from it.
void create_if_missing(const std::filesystem::path& file) {
  const Fd created(
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!created.is_open() && errno != EEXIST) throw_errno(file, "cannot be created");
}

Fd open_for_sync(const std::filesystem::path& path, int flags) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags));
  if (!fd.is_open()) throw_errno(path, "cannot be opened");
  return fd;
}

void check_if_cheap(Database& database) {
  if (database.integer("PRAGMA page_count") > kQuickCheckPages) return;
  const std::string found = database.text("PRAGMA quick_check(1)");
  if (found != "ok") throw IndexError(IndexErrorKind::kDamaged, "index: " + found);
}

std::chrono::sys_seconds now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace

std::unique_ptr<Connections> Connections::open(const std::filesystem::path& file,
                                               OpenReport& report) {
  report = {};
  report.damage = damage_before_opening(file);
  if (report.damage.empty()) {
    try {
      return open_or_create(file, report);
    } catch (const IndexError& error) {
      if (error.kind != IndexErrorKind::kDamaged) throw;
      report.damage = error.what();
    }
  }
  report.damaged_copy = set_aside(file, now());
  return open_or_create(file, report);
}

std::unique_ptr<Connections> Connections::open_or_create(const std::filesystem::path& file,
                                                         OpenReport& report) {
  create_if_missing(file);
  return std::unique_ptr<Connections>(new Connections(file, report));
}

Connections::Connections(const std::filesystem::path& file, OpenReport& report)
    : file_(file), writer_(file_, Database::Access::kWrite), syncs_([this] { sync_wal(); }) {
  migrate_writer(report);
  checkpointer_ = std::make_unique<Database>(file_, Database::Access::kWrite);
  wal_ = open_for_sync(file_.string() + "-wal", 0);
}

Connections::~Connections() = default;

void Connections::migrate_writer(OpenReport& report) {
  writer_.run_script(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;"
      "PRAGMA journal_size_limit = 16777216;");
  report.created = migrate(writer_);
  if (!report.created) check_if_cheap(writer_);
}

void Connections::read(const std::function<void(Database&)>& work) {
  guarded([&] {
    std::unique_ptr<Database> reader = borrow_reader();
    work(*reader);
    give_back(std::move(reader));  // one that threw is closed instead
  });
}

std::unique_ptr<Database> Connections::borrow_reader() {
  {
    const std::lock_guard lock(readers_mutex_);
    if (!idle_readers_.empty()) {
      std::unique_ptr<Database> reader = std::move(idle_readers_.back());
      idle_readers_.pop_back();
      return reader;
    }
  }
  return std::make_unique<Database>(file_, Database::Access::kRead);
}

void Connections::give_back(std::unique_ptr<Database> reader) {
  const std::lock_guard lock(readers_mutex_);
  idle_readers_.push_back(std::move(reader));
}

void Connections::write(const std::function<void(Database&)>& work) {
  int wal_pages = 0;
  guarded([&] {
    const std::lock_guard lock(writer_mutex_);
    writer_.transaction([&] { work(writer_); });
    ++written_;
    wal_pages = writer_.wal_pages();
  });
  checkpoint_if_long(wal_pages);
}

void Connections::checkpoint_if_long(int wal_pages) {
  if (wal_pages < kLongWalPages) return;
  const std::unique_lock lock(checkpoint_mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return;
  try {
    guarded([&] { checkpointer_->checkpoint(); });
  } catch (const IndexError&) {
    // The transaction stands, in the WAL; the next long commit tries again.
  }
}

void Connections::sync_wal() {
  const auto written = written_.load();
  if (::fdatasync(wal_.get()) != 0) throw_errno(file_, "cannot be synced");
  synced_ = written;
  if (is_name_synced_) return;
  synced_ = 0;
  const std::filesystem::path directory = file_.parent_path().empty() ? "." : file_.parent_path();
  if (::fsync(open_for_sync(directory, O_DIRECTORY).get()) != 0) {
    throw_errno(directory, "cannot be synced");
  }
  is_name_synced_ = true;
  synced_ = written;
}

void Connections::guarded(const std::function<void()>& work) const {
  try {
    work();
  } catch (const IndexError& error) {
    if (error.kind == IndexErrorKind::kDamaged) note_damage(file_, error.what());
    throw;
  }
}

}  // namespace neffs::index
