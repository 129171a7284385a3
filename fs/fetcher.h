// Brings files from a source into the layer: once for however many readers, verified before the
// first byte is readable, and so that the layer is a valid cache at every moment.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "fs/layer.h"
#include "fs/remote_tree.h"
#include "fs/worker_pool.h"
#include "hub/remote_repo.h"
#include "index/index.h"

namespace neffs::fs {

// A file to fetch, as the tree of `commit` promises it.
struct FetchOrder {
  hub::RemoteRepo* repo = nullptr;  // outlives the fetcher's jobs
  std::string source;               // SourceName::text() of it
  std::string path;                 // from the root of the cache
  std::uint64_t size = 0;
  hub::ContentId content;
  std::string commit;
  std::int64_t mtime_s = 0;                      // what the name showed while it was remote
  std::string module;                            // "" outside modules
  std::shared_ptr<const ModuleListing> listing;  // of that module
};

// A verified file. Its descriptor is readable before the file has its name in the layer, and stays
// the same file when it gets it.
struct FetchedFile {
  UniqueFd fd;  // O_RDWR
  LayerId id;
};

struct FetchCounters {
  std::atomic<std::uint64_t> fetched{0};
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> errors{0};
  std::atomic<std::uint64_t> in_flight{0};
};

// What others have to say when a file is about to get its name, and when it has got it. Called by
// any thread; must not call back.
struct NamingRules {
  // False: the name was deleted here meanwhile.
  std::function<bool(const std::string& path)> is_wanted;
  // While the lock is held that stays as it is.
  std::function<std::unique_lock<std::mutex>()> hold;
  std::function<void(const std::string& path, LayerId file, const hub::ContentId& content)>
      before_name;
};

struct FetchOptions {
  std::chrono::milliseconds idle_timeout{60'000};
  mode_t directory_mode = 0777;
  mode_t file_mode = 0666;
  uid_t uid = 0;
  gid_t gid = 0;
};

// Safe for any thread. The order of durable steps: the file's bytes are synced, the index says that
// this path is going to be a copy, the file gets its name, the index says that it has it. A crash
// between any two leaves either no name, or a name whose record is checked by recover().
class Fetcher {
 public:
  using Done = std::function<void(std::shared_ptr<const FetchedFile>, std::exception_ptr)>;

  // All of them outlive the fetcher, but for the pool: it ends between stop() and the destructor.
  //   partial: an empty directory on the layer's filesystem for files that have no name yet
  Fetcher(const Layer& layer, UniqueFd partial, index::Index& index, WorkerPool& pool,
          FetchOptions options, NamingRules rules);
  // Removes what has no name. The pool has ended by then.
  ~Fetcher();

  // `done` is called once, by any thread, with the file or with what went wrong.
  void fetch(FetchOrder order, Urgency urgency, Done done);
  // The file, if it is verified and waits for others before it gets its name; else null.
  std::shared_ptr<const FetchedFile> staged(const std::string& path) const;
  // Gives a staged file its name now, whatever else its module lacks: someone is going to write to it.
  void give_name(const std::string& path);
  // For as long as it is held, no fetched file gets its name.
  std::unique_lock<std::mutex> hold_names() { return std::unique_lock(placing_); }
  // A file of the module, or this file, is on its way here.
  bool is_fetching(const std::string& path) const;
  // No download goes on after this; parked callers get kCancelled.
  void stop();

  const FetchCounters& counters() const { return counters_; }

  // Settles what a crash left between two steps: a copy that has its name is recorded so after its
  // hash was checked, everything else is forgotten. Called before the first fetch or beside them.
  // Throws nothing: what cannot be settled is logged and waits for the next start.
  void recover();

 private:
  struct Flight {
    FetchOrder order;
    bool started = false;
    std::vector<Done> waiting;
  };
  struct Staged {
    FetchOrder order;
    std::shared_ptr<const FetchedFile> file;
    std::string partial_name;
  };

  std::shared_ptr<const FetchedFile> staged_as(const FetchOrder& order) const;
  void run(const std::string& key);
  std::shared_ptr<const FetchedFile> already_there(const FetchOrder& order) const;
  Staged download(const FetchOrder& order);
  void finish(const std::string& key, const std::shared_ptr<const FetchedFile>& file,
              const std::exception_ptr& error);
  void place_what_is_ready(const FetchOrder& order);
  bool is_missing(const FetchOrder& order, std::string_view inside) const;
  bool is_made_here(const FetchOrder& order) const;
  bool is_of_another(const FetchOrder& order) const;
  void drop_strangers(const FetchOrder& order);
  bool gives_way(const FetchOrder& order);
  void place(const std::string& path);
  void place_module(const FetchOrder& order);
  bool place_at_once(const std::string& module, const std::vector<Staged>& files);
  bool gather(const Layer& whole, const std::string& module, const std::vector<Staged>& files);
  bool give_name_to(const std::string& folder, const Layer& whole, const std::string& module,
                    const std::vector<Staged>& files);
  void scatter(const std::string& folder, const std::string& module,
               const std::vector<Staged>& files);
  bool promise(const Staged& staged);
  bool give_name_to(const Staged& staged);
  void keep_promise(const Staged& staged);
  std::string new_partial_name();
  void stage(Staged fresh);
  void unstage(const Staged& staged);
  std::optional<Staged> find_staged(const std::string& path) const;
  void drop_staged(const std::string& path);
  void drop(const Staged& staged);
  void settle(const index::LayerFile& intent);

  const Layer& layer_;
  const UniqueFd partial_;
  index::Index& index_;
  WorkerPool& pool_;
  const FetchOptions options_;
  const NamingRules rules_;
  FetchCounters counters_;
  std::stop_source stop_;
  std::atomic<std::uint64_t> last_partial_{0};
  std::mutex placing_;  // one module gets its names at a time; held across renames and syncs, and
                        // only ever waited for by fetching threads

  mutable std::mutex mutex_;               // a leaf; protects everything below
  std::map<std::string, Flight> flights_;  // by path and content
  std::map<std::string, Staged> staged_;   // by path
};

}  // namespace neffs::fs
