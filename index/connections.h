// All connections to one database file, so that nobody waits for the disk behind somebody else:
// one writer, as many readers as threads read at once, and one that checkpoints.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "index/database.h"
#include "index/fd.h"
#include "index/index.h"
#include "index/sync_group.h"

namespace neffs::index {

// Any thread may call any time. WAL mode with synchronous=NORMAL: a commit is a write to the WAL
// and survives kill -9; sync() makes it survive a power cut. SQLite's own checkpoint would sync
// twice inside a commit, under the writer's lock, so it is off: the thread whose commit makes the
// WAL long checkpoints after it has let go of the writer.
class Connections {
 public:
  // As Index::open.
  static std::unique_ptr<Connections> open(const std::filesystem::path& file, OpenReport& report);
  ~Connections();

  // Runs `work` on a reader. It sees all that was committed before; one statement is one snapshot.
  void read(const std::function<void(Database&)>& work);
  // What `load` gives on a reader.
  template <typename Load>
  auto answer(Load&& load) {
    decltype(load(std::declval<Database&>())) answer{};
    read([&](Database& database) { answer = load(database); });
    return answer;
  }
  // Runs `work` in one transaction; the only lock held meanwhile is the writer's.
  void write(const std::function<void(Database&)>& work);
  // What `change` gives in such a transaction.
  template <typename Change>
  auto changed(Change&& change) {
    decltype(change(std::declval<Database&>())) answer{};
    write([&](Database& database) { answer = change(database); });
    return answer;
  }
  // A sync of the WAL from outside of SQLite, under none of its locks: what was checkpointed out of
  // it has been synced into the database before.
  void sync() {
    if (!is_synced()) syncs_.wait();
  }
  // Nothing was committed since the last sync.
  bool is_synced() const { return synced_ == written_; }

 private:
  static std::unique_ptr<Connections> open_or_create(const std::filesystem::path& file,
                                                     OpenReport& report);
  Connections(const std::filesystem::path& file, OpenReport& report);

  void migrate_writer(OpenReport& report);
  std::unique_ptr<Database> borrow_reader();
  void give_back(std::unique_ptr<Database> reader);
  void checkpoint_if_long(int wal_pages);
  void sync_wal();
  void guarded(const std::function<void()>& work) const;

  const std::filesystem::path file_;

  // The writer is the last one to be closed: it then checkpoints and removes the WAL.
  std::mutex writer_mutex_;
  Database writer_;
  std::mutex checkpoint_mutex_;
  std::unique_ptr<Database> checkpointer_;
  std::mutex readers_mutex_;
  std::vector<std::unique_ptr<Database>> idle_readers_;

  std::atomic<std::uint64_t> written_{1};  // transactions so far; what an earlier life wrote is one
  std::atomic<std::uint64_t> synced_{0};   // of them

  Fd wal_;  // closing it costs SQLite no locks: they are all in the database and its -shm
  bool is_name_synced_ = false;  // by sync_wal alone, which SyncGroup calls one at a time
  SyncGroup syncs_;
};

}  // namespace neffs::index
