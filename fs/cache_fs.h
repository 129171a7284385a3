// The front door of fs/: the filesystem, with the kernel's verbs and without FUSE's types.
//
// The layer is the truth about local names, the sources about remote ones; Names joins them. A request
// that can be answered from here is answered at once; one that needs the Hub is parked and answered
// by the thread that has the answer: listings wait in opendir, downloads in open, and a look-up no
// longer than hub_timeout.
#pragma once

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <system_error>
#include <vector>

#include "fs/change_listener.h"
#include "fs/dir_handles.h"
#include "fs/fetcher.h"
#include "fs/kernel_cache.h"
#include "fs/layer.h"
#include "fs/names.h"
#include "fs/node_table.h"
#include "fs/open_files.h"
#include "fs/reply.h"
#include "fs/sources.h"
#include "fs/use_listener.h"
#include "fs/verify.h"
#include "fs/wait_list.h"
#include "fs/warm_plan.h"
#include "fs/whiteouts.h"
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

// What GETATTR is answered with.
struct Attributes {
  struct stat st {};
  double timeout_s = 0;
};

struct Created {
  Entry entry;
  Opened opened;
};

struct Done {};

struct Counters {
  std::atomic<std::uint64_t> local_opens{0};
  std::atomic<std::uint64_t> misses{0};
  std::atomic<std::uint64_t> errors{0};
};

// How long the kernel may keep attributes: what changes a file goes through the mount, or is told to
// the kernel. While a file is open for reading and writing it keeps none: stores through a mapping
// are not told.
inline constexpr double kAttrTimeoutS = 3600;

// Every verb may be called by any thread. Those without a Reply answer at once and throw
// std::system_error, HubError or IndexError; those with one never throw, and answer through it.
class CacheFs {
 public:
  // Who works for the filesystem; null does without.
  struct Helpers {
    BackingFiles* backing = nullptr;  // without: data is served by copying
    KernelCache* kernel = nullptr;
    ChangeListener* listener = nullptr;
    std::vector<UseListener*> users{};
  };

  // All of them outlive this.
  CacheFs(const Layer& layer, index::Index& index, const Sources& sources, Whiteouts& whiteouts,
          Fetcher& fetcher, NodeTable& nodes, Helpers helpers, FsOptions options);
  // Answers what is still parked.
  ~CacheFs();

  // How long a look-up may wait for the Hub, and how fresh a head makes a miss; from now on.
  void set_patience(std::chrono::milliseconds hub_timeout, std::chrono::milliseconds miss_check);

  // --- names ---
  void lookup(NodeId parent, const std::string& name, const Caller& caller,
              const ReplyPtr<Entry>& reply);
  void forget(NodeId node, std::uint64_t lookups) { nodes_.forget(node, lookups); }
  Attributes getattr(NodeId node, std::optional<HandleId> handle);
  struct statvfs statfs() const {
    return layer_.statvfs();
  }

  // --- files ---
  void open(NodeId node, int flags, const Caller& caller, const ReplyPtr<Opened>& reply);
  Created create(NodeId parent, const std::string& name, int flags, mode_t mode,
                 const Caller& caller);
  // A descriptor to read, write, sync or allocate by, for as long as the value lives.
  OpenFiles::Use use(HandleId handle) const { return files_.use(handle); }
  void release(HandleId handle);
  // After it a power cut loses neither the bytes nor that they are ours.
  void fsync(HandleId handle, bool data_only);

  // --- directories ---
  void opendir(NodeId node, const Caller& caller, const ReplyPtr<HandleId>& reply);
  // The entry at `offset`, its own and the one after it being offset and offset + 1; null at the end.
  const Names::Child* readdir(HandleId handle, std::uint64_t offset);
  // The same name as an Entry, one lookup counted; node 0 if it has to be looked up by itself.
  Entry readdir_entry(NodeId directory, const Names::Child& child);
  void releasedir(HandleId handle) { directories_.release(handle); }
  void fsyncdir(NodeId node);

  // --- changes: they happen in the layer; a name that a source has is hidden by a whiteout ---------
  Entry mkdir(NodeId parent, const std::string& name, mode_t mode, const Caller& caller);
  // Files, fifos, sockets and devices.
  Entry mknod(NodeId parent, const std::string& name, mode_t mode, dev_t device,
              const Caller& caller);
  Entry symlink(const std::string& target, NodeId parent, const std::string& name,
                const Caller& caller);
  void unlink(NodeId parent, const std::string& name);
  void rmdir(NodeId parent, const std::string& name);
  std::string readlink(NodeId node);
  // A file that only the source has is fetched first, if that takes no longer than hub_timeout: the
  // kernel holds the folders' locks meanwhile. Else EXDEV, upon which programs copy.
  void link(NodeId node, NodeId parent, const std::string& name, const Caller& caller,
            const ReplyPtr<Entry>& reply);
  // The same; EXDEV also for a directory that is not wholly local.
  //   flags: RENAME_NOREPLACE, RENAME_EXCHANGE
  void rename(NodeId from, const std::string& old_name, NodeId to, const std::string& new_name,
              unsigned flags, const Caller& caller, const ReplyPtr<Done>& reply);

  // --- attributes: those of a file that only the source has are changed when it has been fetched ---
  enum Change : unsigned { kMode = 1, kUid = 2, kGid = 4, kSize = 8, kAtime = 16, kMtime = 32 };
  void setattr(NodeId node, std::optional<HandleId> handle, unsigned changes,
               const struct stat& wanted, const Caller& caller, const ReplyPtr<Attributes>& reply);
  // An O_PATH descriptor of the local name; remote-only names have no xattrs: ENODATA.
  SharedFd open_for_xattr(NodeId node);
  // Runs `change` on such a descriptor.
  void change_xattr(NodeId node, const Caller& caller, const std::function<void(int fd)>& change,
                    const ReplyPtr<Done>& reply);

  // --- for those who keep house, not for the kernel ---
  // Unlinks a local file that nobody has open, if it still is that file, and has the kernel forget it.
  // False if it was left alone.
  bool remove_quietly(const std::string& path, LayerId id);
  // Somebody has it open for writing, or may still store through a mapping.
  bool is_written(const std::string& path) const;
  // A source shows another commit: copies are compared with it anew, and the kernel asks again.
  void source_moved();
  // The module was pushed: its files are copies now.
  void became_copy(const std::string& module) { names_.became_copy(module); }
  // As NamingRules::before_name.
  void expect_copy(const std::string& path) { names_.expect_copy(path); }
  // Removes the copies of a module, or one file, to make room: if nobody has one open or fetches one, and
  // their source is among those that answer and has all of them still. Returns how many bytes are gone.
  // May wait for the Hub for some seconds.
  //   answering: those that do not answer are taken out
  std::uint64_t evict(const std::string& path, std::vector<RemoteView*>& answering,
                      const std::stop_token& stop);
  // verify_files() of what is here. With `repairs` damaged copies go, the mark of their module with them, so
  // that they are fetched again: if nobody uses their module, and their source answers and has the same.
  void verify(const VerifyOrder& order, const std::function<void(const Verification&)>& tell,
              const std::stop_token& stop);
  // What there is to be fetched of what is meant, in cache_fs_warm.cc. Waits for the Hub, but ends soon after
  // it is to stop.
  void plan_warming(const WarmOrder& order, const std::function<void(const WarmPlan&)>& tell,
                    const std::stop_token& stop);
  // Those that tell their head within some seconds; of those that are mounted at a commit, those that
  // answered when they were asked last.
  std::vector<RemoteView*> answering_sources(const std::stop_token& stop);
  // Brings back what was deleted here at or below the path; the paths of the whiteouts that went.
  std::vector<std::string> restore(const std::string& path);

  // --- for people ---
  // One JSON object that says what a path is here, from which source and why.
  std::string explain(const std::string& path);
  const Counters& counters() const { return counters_; }
  std::size_t open_handles() const { return files_.size(); }
  WaitList& waits() { return waits_; }

 private:
  using Clock = std::chrono::steady_clock;

  struct LookUp {
    NodeId parent = 0;
    std::string name;
    Caller caller;
    ReplyPtr<Entry> reply;
    Clock::time_point deadline;
    bool may_wait = true;        // it has not been waited for yet
    RemoteView* only = nullptr;  // the one source that was asked, if it was one

    LookUp again(RemoteView* asked) const {
      return {parent, name, caller, reply, deadline, false, asked};
    }
  };

  Entry entry_of(NodeId parent, const std::string& name, const std::string& path,
                 const Found& found);
  Entry absent(const std::string& path, bool is_certain);
  bool is_other_file(NodeId node, const Found& found) const;
  void answer_lookup(const LookUp& look);
  void wait_for(const std::shared_ptr<Question>& question, const LookUp& look, RemoteView* only);
  std::optional<Opened> open_here(NodeId node, const std::string& path, int flags);
  void open_remote(NodeId node, const std::string& path, int flags, const Caller& caller,
                   const ReplyPtr<Opened>& reply);
  void ask_and_fetch(NodeId node, const std::string& path, int flags, RemoteView* only, WaitId wait,
                     const ReplyPtr<Opened>& reply);
  void fetch(NodeId node, const std::string& path, const Shown& remote, int flags, WaitId wait,
             const ReplyPtr<Opened>& reply);
  void fetch_bundle(const std::string& path);
  std::optional<FetchOrder> order(const std::string& path, const RemoteName& remote,
                                  RemoteView& from);
  void check_is(NodeId node, int fd) const;
  struct MadeFile {
    UniqueFd own;
    bool is_new = false;
  };
  MadeFile make_file(const std::string& path, int flags, mode_t mode, const Caller& caller);
  void remove_failed(const std::string& path, int fd);
  UniqueFd open_to_write(NodeId node, const std::string& path, int flags);
  Opened open_to_write_again(NodeId node, int fd, int flags);
  Opened attach(NodeId node, const std::string& path, const FetchedFile& file, int flags);
  std::optional<std::string> name_of(NodeId node) const;

  struct Renaming {
    NodeId from = 0;
    std::string old_name;
    NodeId to = 0;
    std::string new_name;
    unsigned flags = 0;
    std::string old_path;
    std::string new_path;
  };

  struct Records {
    std::vector<index::LayerFile> of_target;  // before
    bool of_source = false;
  };

  void check_may_change(const std::string& path) const;
  void make_parent(const std::string& path);
  bool has_copies_at(const std::string& path);
  bool is_copy(const std::string& path);
  bool is_wholly_here(const std::string& directory);
  bool is_shown_empty(const std::string& directory);
  bool lists_remote(const std::string& path) const;
  Names::Remotes remotes_of(const std::string& path) const;
  void open_listing(NodeId node, const std::string& path, const ReplyPtr<HandleId>& reply);
  Entry make(NodeId parent, const std::string& name, const Caller& caller,
             const std::function<int(const Layer::Parent&)>& call);
  void give_to_caller(const std::string& path, int made, const Caller& caller);
  Layer::Parent parent_for(const std::string& path);
  Entry local_entry(NodeId parent, const std::string& name, const std::string& path,
                    const struct stat& st);
  Found find_to_move(const std::string& path);
  Entry link_here(const std::string& old_path, NodeId parent, const std::string& name,
                  const Caller& caller);
  void rename_here(const Renaming& renaming, const Caller& caller);
  Records foretell_records(const Renaming& renaming);
  void move_records(const Renaming& renaming, const Records& records, bool is_done);
  void rename_in_layer(const Renaming& renaming);
  void move_nodes(const Renaming& renaming, UniqueFd replaced);
  Attributes attributes(NodeId node, struct stat st) const;
  Attributes change_attributes(NodeId node, std::optional<HandleId> handle, unsigned changes,
                               const struct stat& wanted);
  UniqueFd open_to_change(NodeId node, std::optional<HandleId> handle, const std::string& path);
  void make_empty(const std::string& path);
  std::vector<std::string> to_fetch_for(const std::string& path);
  std::vector<std::string> remote_file(NodeId node, std::optional<HandleId> handle);
  void claim(const std::string& path, int fd);
  void forget_deleted(const std::string& path);
  UniqueFd last_hold(const std::string& path);
  void lose_name(NodeId node, UniqueFd last_hold);
  std::optional<SharedFd> held(NodeId node, std::optional<HandleId> handle) const;
  bool is_known(const std::string& path, std::vector<RemoteView*>& answering,
                const std::stop_token& stop);
  bool is_in_use(const std::string& path) const;
  std::string drop_damaged(const index::LayerFile& file, std::vector<RemoteView*>& answering,
                           const std::stop_token& stop);
  std::vector<std::string> children_to_warm(const std::string& path, Place place,
                                            const std::stop_token& stop);
  std::vector<std::string> modules_to_warm(const WarmOrder& order, WarmPlan& plan,
                                           const std::stop_token& stop);
  bool plan_module(const std::string& module, WarmPlan& plan);
  void forget_gone(const std::vector<index::LayerFile>& files, std::vector<std::string> names);
  void forget_in_kernel(const std::vector<std::string>& paths);
  void forget_module_in_kernel(const std::string& path);
  void tell_changed(const std::string& path);
  bool is_use_of_interest() const;
  void tell_used(const std::string& path) const;

  std::string why_in_source(const std::string& module);
  struct PassedOver {
    std::string source;
    std::string why;
  };
  std::vector<PassedOver> passed_over(const std::string& path, const Found& found);

  void fetch_into_layer(std::vector<std::string> paths,
                        const std::function<void(std::exception_ptr)>& done);
  // Fetches files that only the source has and gives them their names, then runs `then`, which
  // answers; with nothing to fetch it runs at once. After the deadline the answer is EXDEV.
  template <typename Answer>
  void bring(const std::vector<std::string>& paths, std::optional<Clock::time_point> deadline,
             const Caller& caller, const ReplyPtr<Answer>& reply,
             const std::function<void()>& then) {
    if (paths.empty()) {
      then();
      return;
    }
    const auto give_up = [reply](GiveUp reason) {
      const int error = reason == GiveUp::kDeadline ? EXDEV : EINTR;
      reply->failed(std::make_exception_ptr(std::system_error(error, std::generic_category())));
    };
    park(reply, deadline, caller, give_up, [&](WaitId id) {
      fetch_into_layer(paths, [this, id, reply, then](const std::exception_ptr& error) {
        if (!waits_.settle(id)) return;
        try {
          if (error) std::rethrow_exception(error);
          then();
        } catch (...) {
          reply->failed(std::current_exception());
        }
      });
    });
  }
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
  const Sources& sources_;
  Whiteouts& whiteouts_;
  Fetcher& fetcher_;
  Placer& placer_;  // of the fetcher
  NodeTable& nodes_;
  const FsOptions options_;  // but for these two, which may change
  std::atomic<std::chrono::milliseconds> hub_timeout_;
  std::atomic<std::chrono::milliseconds> miss_check_;
  KernelCache* const kernel_;
  ChangeListener* const listener_;
  const std::vector<UseListener*> users_;
  Counters counters_;
  Names names_;
  OpenFiles files_;
  DirHandles directories_;
  WaitList waits_;  // last: its thread answers through all of the above
};

}  // namespace neffs::fs
