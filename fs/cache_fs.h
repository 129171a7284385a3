// The front door of fs/: the filesystem, with the kernel's verbs and without FUSE's types.
//
// The layer is the truth about local names, the view about remote ones; Names joins them. A request
// that can be answered from here is answered at once; one that needs the Hub is parked and answered
// by the thread that has the answer: listings wait in opendir, downloads in open, and a look-up no
// longer than hub_timeout.
#pragma once

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fs/dir_handles.h"
#include "fs/fetcher.h"
#include "fs/layer.h"
#include "fs/names.h"
#include "fs/node_table.h"
#include "fs/open_files.h"
#include "fs/remote_view.h"
#include "fs/reply.h"
#include "fs/wait_list.h"
#include "index/index.h"

namespace neffs::fs {

enum class ListPolicy { kLocal, kAll };

struct FsOptions {
  ListPolicy list = ListPolicy::kLocal;  // what readdir shows directly inside a compiler folder
  std::chrono::milliseconds hub_timeout{2000};
  std::chrono::milliseconds miss_check{15'000};
  NamesOptions names;
};

// What LOOKUP and its kin are answered with. node 0: there is no such name, for entry_timeout_s.
struct Entry {
  NodeId node = 0;
  struct stat st {};
  double entry_timeout_s = 0;
  double attr_timeout_s = 0;
};

struct Created {
  Entry entry;
  Opened opened;
};

struct Counters {
  std::atomic<std::uint64_t> local_opens{0};
  std::atomic<std::uint64_t> misses{0};
  std::atomic<std::uint64_t> errors{0};
};

// How long the kernel may keep attributes that it asked for: what changes a file goes through the
// mount, or is told to the kernel.
inline constexpr double kAttrTimeoutS = 3600;

// Every verb may be called by any thread. Those without a Reply answer at once and throw
// std::system_error, HubError or IndexError; those with one never throw, and answer through it.
class CacheFs {
 public:
  // All of them outlive this. backing: null serves data by copying.
  CacheFs(const Layer& layer, index::Index& index, RemoteView& view, Fetcher& fetcher,
          NodeTable& nodes, BackingFiles* backing, FsOptions options);
  // Answers what is still parked.
  ~CacheFs();

  // --- names ---
  void lookup(NodeId parent, const std::string& name, const Caller& caller,
              const ReplyPtr<Entry>& reply);
  void forget(NodeId node, std::uint64_t lookups) { nodes_.forget(node, lookups); }
  struct stat getattr(NodeId node, std::optional<HandleId> handle);
  struct statvfs statfs() const {
    return layer_.statvfs();
  }

  // --- files ---
  void open(NodeId node, int flags, const Caller& caller, const ReplyPtr<Opened>& reply);
  Created create(NodeId parent, const std::string& name, int flags, mode_t mode,
                 const Caller& caller);
  // A descriptor to read, write, sync or allocate by, for as long as the value lives.
  OpenFiles::Use use(HandleId handle) const { return files_.use(handle); }
  void release(HandleId handle) { files_.release(handle); }

  // --- directories ---
  void opendir(NodeId node, const Caller& caller, const ReplyPtr<HandleId>& reply);
  // The entry at `offset`, its own and the one after it being offset and offset + 1; null at the end.
  const Names::Child* readdir(HandleId handle, std::uint64_t offset);
  // The same name as an Entry, one lookup counted; node 0 if it has to be looked up by itself.
  Entry readdir_entry(NodeId directory, const Names::Child& child);
  void releasedir(HandleId handle) { directories_.release(handle); }
  void fsyncdir(NodeId node);

  // --- changes: on the layer only; a name that only a source has is refused with EPERM ---
  Entry mkdir(NodeId parent, const std::string& name, mode_t mode, const Caller& caller);
  Entry symlink(const std::string& target, NodeId parent, const std::string& name,
                const Caller& caller);
  Entry link(NodeId node, NodeId parent, const std::string& name);
  void unlink(NodeId parent, const std::string& name);
  void rmdir(NodeId parent, const std::string& name);
  void rename(NodeId from, const std::string& old_name, NodeId to, const std::string& new_name,
              unsigned flags);
  std::string readlink(NodeId node);

  enum Change : unsigned { kMode = 1, kUid = 2, kGid = 4, kSize = 8, kAtime = 16, kMtime = 32 };
  struct stat setattr(NodeId node, std::optional<HandleId> handle, unsigned changes,
                      const struct stat& wanted);
  // xattrs of local names; remote-only names have none.
  UniqueFd open_for_xattr(NodeId node);

  // --- for people ---
  // One JSON object that says what a path is here and why.
  std::string explain(const std::string& path);
  const Counters& counters() const { return counters_; }
  std::size_t open_handles() const { return files_.size(); }
  WaitList& waits() { return waits_; }

 private:
  using Clock = std::chrono::steady_clock;

  Entry entry_of(NodeId parent, const std::string& name, const std::string& path,
                 const Found& found);
  Entry absent(const std::string& path, bool is_certain);
  void answer_lookup(NodeId parent, const std::string& name, const ReplyPtr<Entry>& reply,
                     bool may_wait, const Caller& caller);
  std::optional<Opened> open_here(NodeId node, const std::string& path, int flags);
  void open_remote(NodeId node, const std::string& path, int flags, const Caller& caller,
                   const ReplyPtr<Opened>& reply);
  void fetch(NodeId node, const std::string& path, const RemoteName& remote, int flags, WaitId wait,
             const ReplyPtr<Opened>& reply);
  void fetch_bundle(const std::string& path);
  std::optional<FetchOrder> order(const std::string& path, const RemoteName& remote);
  UniqueFd open_to_write(const std::string& path, int flags, mode_t mode);
  Opened open_to_write_again(NodeId node, int fd, int flags);
  Opened attach(NodeId node, const std::string& path, const FetchedFile& file, int flags);
  std::optional<std::string> name_of(NodeId node) const;
  void check_may_change(const std::string& path) const;
  void make_parent(const std::string& path);
  bool has_copies_at(const std::string& path);
  void give_to_caller(const Layer::Parent& parent, const Caller& caller);
  Entry local_entry(NodeId parent, const std::string& name, const std::string& path);
  void claim(const std::string& path, int fd);
  void forget_deleted(const std::string& path);
  template <typename Answer, typename Start>
  void park(const ReplyPtr<Answer>& reply, std::optional<Clock::time_point> deadline,
            const Caller& caller, std::function<void(GiveUp)> give_up, Start start) {
    const WaitId id = waits_.next_id();
    reply->parked(id);
    waits_.park(id, deadline, caller.thread, std::move(give_up));
    try {
      start(id);
    } catch (...) {
      if (waits_.settle(id)) throw;  // else it has been answered
    }
  }

  const Layer& layer_;
  index::Index& index_;
  RemoteView& view_;
  Fetcher& fetcher_;
  NodeTable& nodes_;
  const FsOptions options_;
  Counters counters_;
  Names names_;
  OpenFiles files_;
  DirHandles directories_;
  WaitList waits_;  // last: its thread answers through all of the above
};

}  // namespace neffs::fs
