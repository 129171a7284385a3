// The front door of index/: what neffs remembers between runs, in one SQLite file.
// Every verb is one transaction. All of them may be called by any thread and block for the disk at
// most; none may be called with a lock held. They throw IndexError.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "index/upload.h"

namespace neffs::index {

// Named by what the caller does next, as in hub/hub_error.h.
enum class IndexErrorKind {
  kNoSpace,      // the disk or a quota is full: ENOSPC to whoever wrote
  kDamaged,      // the file lies: it is marked, and set aside when it is opened the next time
  kNewerSchema,  // written by a newer neffs, untouched
  kUnavailable,  // anything else: permissions, I/O errors, another program that holds the file
};

// Thrown by every verb, which then has changed nothing. what() is one line for people.
class IndexError : public std::runtime_error {
 public:
  IndexError(IndexErrorKind what_kind, const std::string& message)
      : std::runtime_error(message), kind(what_kind) {}

  IndexErrorKind kind;
};

// A name in a git tree, as the Hub listed it. `content` is the text form of a content id, "" for
// directories. index/ does not interpret any of it.
struct TreeEntry {
  std::string path;  // relative to the tree; more than one component only in recursive trees
  bool is_directory = false;
  std::string oid;
  std::uint64_t size = 0;
  std::string content;

  friend bool operator==(const TreeEntry&, const TreeEntry&) = default;
};

enum class TreeDepth { kChildren, kEverything };

// A repo as it was when it was last asked about.
struct SourceRecord {
  std::string endpoint;
  std::string repo;  // as the user wrote it
  std::string revision;
  std::string canonical_id;
  std::string commit;
  std::int64_t last_modified_s = 0;  // Unix time of the head commit, as the Hub reports it
  bool is_private = false;
};

// Where the bytes of a file in the layer come from. A file without a record was found there when
// mounting: its origin is unknown and it is never published by itself.
enum class Origin { kCopy, kOurs };

// kIntended: the record is durable, the file may or may not have its name yet. kPlaced: it has.
enum class Placement { kIntended, kPlaced };

struct LayerFile {
  std::string path;  // relative to the layer
  Origin origin = Origin::kCopy;
  Placement placement = Placement::kPlaced;
  std::string source;   // copies: "<endpoint>/<repo>@<revision>"
  std::string commit;   // copies: the commit it was fetched at
  std::string content;  // copies: text of the content id
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;  // of the placed file, to notice later damage
  // Ours: an upload was made of it, and nobody has opened it for writing since. Whoever does so has to
  // call mark_ours() then, so that no push makes a copy of what is being written.
  bool is_queued = false;
  std::int64_t target =
      0;  // ours: whom it was written for, a number of this database; 0: nobody yet

  friend bool operator==(const LayerFile&, const LayerFile&) = default;
};

// A name that a source has and that was deleted here. It hides what the source has under that name
// as long as that is `content`, whose meaning is the caller's.
struct Whiteout {
  std::string path;
  std::string content;

  friend bool operator==(const Whiteout&, const Whiteout&) = default;
};

// Who made a lock file, told well enough to be found again after a restart of neffs or of the host.
struct LockRecord {
  std::string path;
  std::int64_t process = 0;         // its id, as the namespace below counts
  std::uint64_t started = 0;        // in the kernel's clock ticks since the boot
  std::string boot;                 // the kernel's random id of the boot
  std::uint64_t pid_namespace = 0;  // inode number
  std::int64_t taken_s = 0;         // Unix time

  friend bool operator==(const LockRecord&, const LockRecord&) = default;
};

// A module that is not to be removed to make room, for a use that is expected.
struct Pin {
  std::string module;
  std::int64_t until_s = 0;  // Unix time

  friend bool operator==(const Pin&, const Pin&) = default;
};

struct LayerTotals {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

// What opening had to do; `damaged_copy` is the name a damaged database was set aside under.
struct OpenReport {
  bool created = false;
  std::optional<std::filesystem::path> damaged_copy;
  std::string damage;  // one line, empty if none
};

class Connections;

class Index {
 public:
  // Opens or creates (mode 0600) the database in a directory that exists, applies migrations, and
  // sets a damaged one aside as `<file>.damaged-<time>`, with `-wal` and `-shm` after the new name,
  // so that sqlite3 can still read it. A full disk, an I/O error and a lack of permission are not
  // damage: they throw, as a newer schema does. Takes the same time for any number of rows: damage
  // deep inside a large file is met by a verb later, which throws kDamaged and leaves a note for
  // the next open. `file` is used as it is written for the life of the Index: to name the same file
  // when the directory is mounted over it is a path below /proc/self/fd/<directory>. One Index a file and process; the lock of the layer sees to other processes.
  static std::unique_ptr<Index> open(const std::filesystem::path& file, OpenReport& report);
  // Closes the file, which then is whole without its WAL. No other thread may still be in a verb.
  ~Index();
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  // --- trees: keyed by git's tree id (or "commit:<sha>" for a root), they never go stale ---------
  // Whole as it was put, by path; nullopt if it never was. An empty tree is a tree.
  std::optional<std::vector<TreeEntry>> tree(const std::string& tree_id, TreeDepth depth);
  // Paths must differ. Replaces what was stored for the same id and depth.
  void put_tree(const std::string& tree_id, TreeDepth depth, std::span<const TreeEntry> entries);

  // --- sources -----------------------------------------------------------------------------------
  std::optional<SourceRecord> source(const std::string& endpoint, const std::string& repo,
                                     const std::string& revision);
  void put_source(const SourceRecord& record);
  // A small fact by its name, whose meaning is the caller's; nullopt if there is none.
  std::optional<std::string> note(const std::string& name);
  // Replaces the one of the same name; nullopt: there is none from here on.
  void put_note(const std::string& name, const std::optional<std::string>& value);

  // --- files of the layer ------------------------------------------------------------------------
  // On the path of every open: waits for no writer.
  std::optional<LayerFile> layer_file(const std::string& path);
  // All records at or below `directory` ("" is everything), by path.
  std::vector<LayerFile> layer_files_below(const std::string& directory);
  // Before a fetched file gets its name: from here on it can only be a copy. Survives kill -9.
  // A record that says kOurs is never overwritten; returns false then.
  bool intend_copy(const LayerFile& copy);
  // It did not get its name after all; a record that says anything else stays.
  void drop_intent(const std::string& path);
  // After it has its name. Same row, now kPlaced with the size and mtime of the real file; nothing
  // happens if the row has become kOurs or is gone.
  void place_copy(const std::string& path, std::uint64_t size, std::int64_t mtime_ns);
  // The file was or is about to be written through the mount. The row forgets where it came from, and
  // that it is queued; what was nobody's is the set_upload_target()'s from here on.
  void mark_ours(const std::string& path);
  // Drops the record of a file that is gone.
  void forget_file(const std::string& path);
  // A file or directory is about to be renamed: the names that it will have are ours where the old ones
  // have a record or the new ones have one, so that a crash loses nothing that is ours and leaves no
  // copy's record on a file that is none.
  void foretell_move(const std::string& from, const std::string& to);
  // It was renamed: the old names' records go, and those of the new names where the old ones had none.
  // Uploads at or below the old name are dropped: what it is now has to be queued under its new name.
  void finish_move(const std::string& from, const std::string& to);
  // It was not: what was below the new name before is there again.
  void recall_move(const std::string& to, const std::vector<LayerFile>& before);
  // Two names were exchanged: each takes the records at or below the other. Uploads at or below either
  // are dropped.
  void exchange_files(const std::string& one, const std::string& other);
  // Rows of copies that were intended and never placed, for recovery.
  std::vector<LayerFile> intended_copies();
  // Placed copies; takes time with their number (some ms for 100,000).
  LayerTotals copy_totals();

  // --- whiteouts ---------------------------------------------------------------------------------
  // All of them, by path.
  std::vector<Whiteout> whiteouts();
  // Replaces the one of the same path.
  void put_whiteout(const Whiteout& whiteout);
  // The same, and those below its path are dropped: it hides their names too.
  void put_whiteout_over(const Whiteout& whiteout);
  void drop_whiteout(const std::string& path);
  // At or below `directory` ("" is everything).
  void drop_whiteouts_below(const std::string& directory);

  // --- locks -------------------------------------------------------------------------------------
  // All of them, by path.
  std::vector<LockRecord> locks();
  // Replaces the one of the same path.
  void put_lock(const LockRecord& lock);
  void drop_lock(const std::string& path);

  // --- what modules are for ----------------------------------------------------------------------
  void add_module_of_model(const std::string& model, const std::string& module);
  // By path; empty if none is known.
  std::vector<std::string> modules_of_model(const std::string& model);
  // All of them, by module, those that have ended too.
  std::vector<Pin> pins();
  // Each replaces the one of the same module.
  void put_pins(std::span<const Pin> pins);
  void drop_pin(const std::string& module);

  // --- uploads -----------------------------------------------------------------------------------
  // What each of these has done survives kill -9 when it returns; a power cut, after the next sync().
  // Each may be repeated by who does not know whether it was done. A generation that is no more, or is
  // not in a state that the verb names, is passed over. `now_s` is Unix time.

  // What is made ours from here on is written for this target; nullopt: not decided yet, so that it is
  // for the one it is queued for. Until the next call, or the end of this object.
  void set_upload_target(const std::optional<UploadTarget>& target);

  // The path is published as these files, all of it, which makes those ours that have no record. The
  // upload belongs to `target`, unless one of its files was written for another: then to that.
  // What was hashed stays known of files that are as they were, and what was uploaded of bytes that
  // turn out to be the same. Look at the files again after this and before sending, for writers that
  // had them open already: those that come later are seen by this itself. The user's fsync is kept
  // by the sync() that follows it: what it can lose is found again by a walk over the layer.
  Queued queue_upload(const std::string& path, const UploadTarget& target,
                      std::span<const SeenFile> files, std::int64_t now_s);
  // Queued uploads of the target whose time has come, the longest due first. Marks nothing.
  std::vector<Upload> due_uploads(const UploadTarget& target, std::int64_t now_s,
                                  const UploadLimit& limit);
  // The time at which the next one is due, which may have passed; nullopt if none is queued.
  std::optional<std::int64_t> next_due_s(const UploadTarget& target);
  // All that is queued for the target is due at once: for a flush, and after a start, as the clock may
  // have been wrong when the times were set.
  void make_due(const UploadTarget& target);

  // Queued -> uploading. Returns those that are uploading now; a generation that is no more is left out.
  std::vector<std::int64_t> mark_uploading(std::span<const std::int64_t> generations,
                                           std::int64_t now_s);
  // Facts of one file of an upload that has not ended; false if it has, or is no more. Hashes that differ
  // from what was uploaded make it a file that is not uploaded.
  bool note_hashes(std::int64_t generation, const std::string& path, const std::string& sha256,
                   const std::string& sha1);
  bool note_mode(std::int64_t generation, const std::string& path, UploadMode mode);
  // The target has the bytes of the noted sha256; false if there is none, too. If a power cut takes
  // this, asking the target tells it again.
  bool note_uploaded(std::int64_t generation, const std::string& path);

  // A commit is about to be sent: call sync() before sending. Takes those that are uploading for the
  // target and whose files all have a content; the others are left out, and must be left out of the
  // commit. Replaces a push of the same id (another parent, after a refusal). Returns what was stored.
  Push begin_push(const std::string& id, const UploadTarget& target, const std::string& parent,
                  std::span<const std::int64_t> generations, std::int64_t now_s);
  // It was made, as `commit`. Its uploads are pushed, and their files that are ours and queued become
  // copies of `source` (as LayerFile has it) at that commit; files that were written to since stay
  // ours. Of an upload that was queued anew nothing changes but its UploadEntry::commit. Compare the
  // files with their snapshots and look for open writers right before, and queue_upload() or
  // mark_ours() what has changed: stores through a mapping are seen by nothing else. The source's
  // record, and whatever looks copies up in it, must know `commit` before: a copy that its source does
  // not have is removed. An unknown id changes nothing: it has been finished before.
  PushOutcome finish_push(const std::string& id, const std::string& commit,
                          const std::string& source, std::int64_t now_s);
  // It was not made, or is given up. Its uploads stay as they are: put_back() them, or begin again.
  void end_push(const std::string& id);
  // After a start: the pushes to the target of which it is not known whether they were made, oldest
  // first. Look at the repo and finish or end each. What was uploading and is in none of them is
  // queued again; put_back() does the same for the uploads of a push that has ended.
  std::vector<Push> recover_pushes(const UploadTarget& target, std::int64_t now_s);

  // Uploading or failed -> queued, not before that time (0: at once). An attempt is counted if there
  // is an error.
  void put_back(std::span<const std::int64_t> generations, std::int64_t not_before_s,
                const std::string& error, std::int64_t now_s);
  // Queued or uploading -> failed. Queued again by put_back(), or with other files.
  void fail_upload(std::int64_t generation, const std::string& error, std::int64_t now_s);
  // Queued, uploading or failed -> superseded: the repo has somebody else's at `commit`. The files stay
  // ours; the upload stays known for as long as they are there, so that they are not queued again.
  void supersede_uploads(std::span<const std::int64_t> generations, const std::string& commit,
                         std::int64_t now_s);
  // What is at or below the path is gone, or is not to be published. The files' records stay.
  void drop_uploads(const std::string& path);

  // With the state as it is stored.
  std::optional<Upload> upload(const std::string& path);
  // For who publishes to `mine`: uploads of other targets that have not ended are kHeld. nullopt: not
  // decided, and states are as stored.
  // All that have not ended (queued, uploading, failed, held), by path.
  std::vector<UploadEntry> open_uploads(const std::optional<UploadTarget>& mine);
  // Those that ended last (pushed, superseded), the last one first.
  std::vector<UploadEntry> ended_uploads(std::uint64_t limit);
  UploadTotals upload_totals(const std::optional<UploadTarget>& mine);
  // Forgets pushed uploads but the `kept` that ended last. Superseded ones stay.
  void prune_uploads(std::uint64_t kept);

  // Everything committed before the call survives a power cut when this returns. Calls that come
  // while the disk is busy share the next sync. Once the disk has failed to sync, this throws for
  // good: what the kernel has dropped then cannot be brought back by asking again.
  void sync();
  // Whether sync() has nothing to do.
  bool is_synced() const;

 private:
  explicit Index(std::unique_ptr<Connections> connections);
  std::unique_ptr<Connections> connections_;
  std::atomic<std::int64_t> upload_target_{0};
};

// What a database that nobody has open says, for a status without a mount.
struct Glance {
  LayerTotals copies;
  UploadTotals uploads;  // as stored, of all targets
};
// Changes no data and mends nothing. nullopt if there is no readable database of this version.
std::optional<Glance> glance_at(const std::filesystem::path& file);

}  // namespace neffs::index
