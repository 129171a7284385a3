// Gives fetched files their names in the layer, so that it is a valid cache at every moment.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fs/fetch_order.h"
#include "fs/layer.h"
#include "index/index.h"

namespace neffs::fs {

// A file that is written and has no name in the layer yet.
struct PartialFile {
  UniqueFd fd;
  std::string name;  // in the directory of such files
};

// A verified file that waits for others before it gets its name.
struct StagedFile {
  FetchOrder order;
  std::shared_ptr<const FetchedFile> file;
  std::string partial_name;
};

// Safe for any thread. The order of durable steps: the file's bytes are synced, the index says that
// this path is going to be a copy, the file gets its name, the index says that it has it. A crash
// between any two leaves either no name, or a name whose record is checked by recover().
class Placer {
 public:
  // All of them outlive this.
  //   partial: an empty directory on the layer's filesystem for files that have no name yet
  Placer(const Layer& layer, UniqueFd partial, index::Index& index, FetchOptions options,
         NamingRules rules);
  // Removes what has no name.
  ~Placer();
  Placer(const Placer&) = delete;
  Placer& operator=(const Placer&) = delete;

  // An empty file of mode 0600. Throws std::system_error.
  PartialFile create();
  void discard(const std::string& partial_name);

  // From here on it is read by its descriptor, also if it never gets its name. Takes the place of what
  // was staged for the same path.
  void stage(StagedFile fresh);
  // The file, if it is staged; else null.
  std::shared_ptr<const FetchedFile> staged(const std::string& path) const;
  // The same, if it is the one that is ordered.
  std::shared_ptr<const FetchedFile> staged_as(const FetchOrder& order) const;
  // This file, or one of this module.
  bool is_staged(const std::string& path) const;

  // Names whatever of the order's module has waited for nothing but this file. Throws IndexError,
  // std::system_error; what has no name by then stays staged.
  void place_what_is_ready(const FetchOrder& order);
  // Gives a staged file its name now, whatever else its module lacks. Throws likewise.
  void give_name(const std::string& path);
  // For as long as it is held, no file gets its name.
  std::unique_lock<std::mutex> hold_names() { return std::unique_lock(placing_); }

  // Settles what a crash left between two steps: a copy that has its name is recorded so after its
  // hash was checked, everything else is forgotten. Called before the first fetch or beside them.
  // Throws nothing: what cannot be settled is logged and waits for the next start.
  void recover();

 private:
  bool is_missing(const FetchOrder& order, std::string_view inside) const;
  bool is_made_here(const FetchOrder& order) const;
  bool is_of_another(const FetchOrder& order) const;
  void drop_strangers(const FetchOrder& order);
  bool gives_way(const FetchOrder& order);
  void place(const std::string& path);
  void place_module(const FetchOrder& order);
  bool place_at_once(const std::string& module, const std::vector<StagedFile>& files);
  bool gather(const Layer& whole, const std::string& module, const std::vector<StagedFile>& files);
  bool give_name_to(const std::string& folder, const Layer& whole, const std::string& module,
                    const std::vector<StagedFile>& files);
  void scatter(const std::string& folder, const std::string& module,
               const std::vector<StagedFile>& files);
  bool promise(const StagedFile& staged);
  bool give_name_to(const StagedFile& staged);
  void keep_promise(const StagedFile& staged);
  std::string new_partial_name();
  void unstage(const StagedFile& staged);
  std::optional<StagedFile> find_staged(const std::string& path) const;
  void drop_staged(const std::string& path);
  void settle(const index::LayerFile& intent);

  const Layer& layer_;
  const UniqueFd partial_;
  index::Index& index_;
  const FetchOptions options_;
  const NamingRules rules_;
  std::atomic<std::uint64_t> last_partial_{0};
  std::mutex placing_;  // one module gets its names at a time; held across renames and syncs, and
                        // only ever waited for by fetching threads

  mutable std::mutex mutex_;                  // a leaf; protects everything below
  std::map<std::string, StagedFile> staged_;  // by path
};

}  // namespace neffs::fs
