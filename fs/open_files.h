// What is open: one record an inode, one number a handle.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "fs/node_table.h"
#include "fs/unique_fd.h"

namespace neffs::fs {

// Registers files with the kernel, so that it reads and writes them itself (passthrough).
class BackingFiles {
 public:
  virtual ~BackingFiles() = default;
  // The kernel's number for the open file; nullopt where it refuses: the file is copied then.
  virtual std::optional<std::int32_t> open(int fd) = 0;
  virtual void close(std::int32_t backing_id) = 0;
};

// One registration, taken back by the destructor; id() is 0 where there is none.
class BackingFile {
 public:
  BackingFile() = default;
  BackingFile(BackingFiles& files, int fd) : files_(&files), id_(files.open(fd).value_or(0)) {}
  ~BackingFile() {
    if (id_ != 0) files_->close(id_);
  }
  BackingFile(const BackingFile&) = delete;
  BackingFile& operator=(const BackingFile&) = delete;

  std::int32_t id() const { return id_; }

 private:
  BackingFiles* files_ = nullptr;
  std::int32_t id_ = 0;
};

using HandleId = std::uint64_t;

// What the index promises of a copy; a file that differs was changed behind the mount.
struct CopyPromise {
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;

  friend bool operator==(const CopyPromise&, const CopyPromise&) = default;
};
inline CopyPromise promise_of(const struct stat& st) {
  return {static_cast<std::uint64_t>(st.st_size), mtime_ns(st)};
}

// What an OPEN is answered with.
struct Opened {
  HandleId handle = 0;
  std::int32_t backing_id = 0;  // 0: the kernel asks the daemon for the data
};

// All handles of all inodes. The way an inode's data goes, by passthrough or by copying, is chosen at
// its first open and kept until its last release: the kernel refuses to mix them. The inodes closed
// last stay registered for a while, so that opening them again costs next to nothing. Safe for any
// thread; the mutex is a leaf, held for map operations, fstat and the registration of a BackingFile.
class OpenFiles {
 public:
  // backing: null serves everything by copying; outlives this
  explicit OpenFiles(BackingFiles* backing) : backing_(backing) {}

  // One more reading handle of an inode that is open, or was open a moment ago and is unchanged;
  // nullopt if it has to be opened.
  std::optional<Opened> open_again(NodeId node);
  // A new handle.
  //   shared: any descriptor of the file, readable; used for the inode if it is not open yet
  //   own: descriptor with the rights of this handle; none for one that only reads
  //   promise: of a copy
  Opened open(NodeId node, UniqueFd shared, UniqueFd own,
              std::optional<CopyPromise> promise = std::nullopt);
  // The inode lost a name or is written to: it is not kept beyond its last handle.
  void let_go(NodeId node);
  struct Closed {
    NodeId node = 0;  // 0: there was no such handle
    bool could_write = false;
    bool was_changed = false;  // by a mapping perhaps, since the handle was opened
  };
  Closed release(HandleId id);

  using Use = SharedFd;
  // Throws EBADF for a number that is not a handle.
  Use use(HandleId id) const;
  // Any descriptor of an open inode: its names may be gone.
  std::optional<Use> use_node(NodeId node) const;

  bool is_open(NodeId node) const;
  // Some handle can be stored through by a mapping, of which nobody is told.
  bool is_mappable(NodeId node) const;

  // Some handle was opened for writing.
  bool is_written(NodeId node) const;

  std::size_t size() const;

 private:
  struct Inode {
    std::int32_t backing_id() const { return backing ? backing->id() : 0; }

    UniqueFd fd;
    std::optional<BackingFile> backing;
    std::uint64_t handles = 0;
    std::uint64_t writers = 0;  // handles with rights of their own
    std::uint64_t mappers = 0;  // handles that a mapping can be stored through
    std::optional<CopyPromise> promise;
    bool keep = true;  // when the last handle is closed
  };
  using Idle = std::list<NodeId>;
  struct Handle {
    NodeId node = 0;
    std::shared_ptr<Inode> inode;
    UniqueFd own;
    std::optional<CopyPromise> opened_as{};  // of one that can be mapped for writing
  };

  HandleId add_locked(NodeId node, std::shared_ptr<Inode> inode, UniqueFd own);
  //   st: set to what it is now
  bool is_unchanged(const Inode& inode, struct stat& st) const;
  std::shared_ptr<Inode> drop_locked(NodeId node);

  BackingFiles* const backing_;
  mutable std::mutex mutex_;
  std::unordered_map<NodeId, std::shared_ptr<Inode>> inodes_;
  Idle idle_;  // inodes without handles, the one closed last in front
  std::unordered_map<NodeId, Idle::iterator> idle_at_;
  std::vector<std::shared_ptr<Handle>> handles_;  // by number - 1
  std::deque<HandleId> free_;
};

}  // namespace neffs::fs
