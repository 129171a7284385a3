// The front door of index/: what neffs remembers between runs, in one SQLite file.
// Every verb is one transaction. All of them may be called by any thread and block for the disk at
// most; none may be called with a lock held. They throw IndexError.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace neffs::index {

class IndexError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
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
  std::string repo;      // as the user wrote it
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

  friend bool operator==(const LayerFile&, const LayerFile&) = default;
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

class Index {
 public:
  // Opens or creates the database, applies migrations, and sets a damaged one aside as
  // `<file>.damaged-<time>` (its -wal and -shm beside it). Throws IndexError where the directory
  // cannot be written or the schema is newer than this program.
  static std::unique_ptr<Index> open(const std::filesystem::path& file, OpenReport& report);
  ~Index();
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  // --- trees: keyed by git's tree id (or "commit:<sha>" for a root), they never go stale -----------
  std::optional<std::vector<TreeEntry>> tree(const std::string& tree_id, TreeDepth depth);
  void put_tree(const std::string& tree_id, TreeDepth depth, std::span<const TreeEntry> entries);

  // --- sources -------------------------------------------------------------------------------------
  std::optional<SourceRecord> source(const std::string& endpoint, const std::string& repo,
                                     const std::string& revision);
  void put_source(const SourceRecord& record);

  // --- files of the layer --------------------------------------------------------------------------
  std::optional<LayerFile> layer_file(const std::string& path);
  // All records at or below `directory` ("" is everything), by path.
  std::vector<LayerFile> layer_files_below(const std::string& directory);
  // Before a fetched file gets its name: from here on it can only be a copy. Survives kill -9.
  // A record that says kOurs is never overwritten; returns false then.
  bool intend_copy(const LayerFile& copy);
  // After it has its name. Same row, now kPlaced with the size and mtime of the real file.
  void place_copy(const std::string& path, std::uint64_t size, std::int64_t mtime_ns);
  // The file was or is about to be written through the mount.
  void mark_ours(const std::string& path);
  // Drops the record of a file that is gone.
  void forget_file(const std::string& path);
  // Rows of copies that were intended and never placed, for recovery.
  std::vector<LayerFile> intended_copies();
  LayerTotals copy_totals();

  // Everything committed so far survives a power cut when this returns (syncs the WAL).
  void sync();

 private:
  struct State;
  explicit Index(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace neffs::index
