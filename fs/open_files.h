// What is open: one record an inode, one number a handle.
#pragma once

#include <cstdint>
#include <deque>
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

using HandleId = std::uint64_t;

// What an OPEN is answered with.
struct Opened {
  HandleId handle = 0;
  std::int32_t backing_id = 0;  // 0: the kernel asks the daemon for the data
};

// All handles of all inodes. The way an inode's data goes, by passthrough or by copying, is chosen at
// its first open and kept until its last release: the kernel refuses to mix them. Safe for any
// thread; the mutex is a leaf, held for map operations and the two ioctls of BackingFiles.
class OpenFiles {
 public:
  // backing: null serves everything by copying; outlives this
  explicit OpenFiles(BackingFiles* backing) : backing_(backing) {}
  ~OpenFiles();

  // One more reading handle of an inode that is open already; nullopt if it is not.
  std::optional<Opened> open_again(NodeId node);
  // A new handle.
  //   shared: any descriptor of the file, readable; used for the inode if it is not open yet
  //   own: descriptor with the rights of this handle; none for one that only reads
  Opened open(NodeId node, UniqueFd shared, UniqueFd own);
  void release(HandleId handle);

  // A descriptor that lives as long as the value is held.
  class Use {
   public:
    int fd() const { return fd_; }

   private:
    friend class OpenFiles;
    std::shared_ptr<const void> keep_;
    int fd_ = -1;
  };
  // Throws EBADF for a number that is not a handle.
  Use use(HandleId handle) const;
  // Any descriptor of an open inode: its names may be gone.
  std::optional<Use> use_node(NodeId node) const;

  std::size_t size() const;

 private:
  struct Inode {
    UniqueFd fd;
    std::int32_t backing_id = 0;
    std::uint64_t handles = 0;
  };
  struct Handle {
    NodeId node = 0;
    std::shared_ptr<Inode> inode;
    UniqueFd own;
  };

  HandleId add_locked(NodeId node, std::shared_ptr<Inode> inode, UniqueFd own);

  BackingFiles* const backing_;
  mutable std::mutex mutex_;
  std::unordered_map<NodeId, std::shared_ptr<Inode>> inodes_;
  std::vector<std::shared_ptr<Handle>> handles_;  // by number - 1
  std::deque<HandleId> free_;
};

}  // namespace neffs::fs
