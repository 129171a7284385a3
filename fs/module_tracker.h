// The modules that are in the layer: which are complete, which failed, and whose they are.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fs/cache_layout.h"
#include "fs/layer.h"
#include "index/index.h"

namespace neffs::fs {

// By the outputs: a lock or an input that was written through the mount makes nothing ours.
enum class Whose {
  kHeld,  // something in it was there before the mount, or came from below it
  kOurs,  // all of it was written through the mount
  kCopy,  // a source has it
};

// How a compilation has ended that failed.
struct Failure {
  std::string text;  // the first line of the log, printable, at most kFailureBytes
  std::chrono::system_clock::time_point at;
  LayerId log;  // of model.log; none for compilers that had none
};
inline constexpr std::size_t kFailureBytes = 200;

struct LocalModule {
  LocalState state = LocalState::kUnfinished;
  Whose whose = Whose::kHeld;
  std::uint64_t files = 0;  // without locks and logs
  std::uint64_t bytes = 0;
  std::vector<std::string> locks;  // relative to the module
  std::optional<Failure> failure;  // kFailed
};

// Looks at every module once, and again at those that changed: never at all of them. Who owns the
// thread that does so calls begin_scan() and step(); everything else is for any thread. The mutex is a
// leaf, held for map operations only; names that vanish meanwhile are as good as absent.
class ModuleTracker {
 public:
  // Both outlive this.
  ModuleTracker(const Layer& layer, index::Index& index) : layer_(layer), index_(index) {}

  // Something at or below the path has come, changed or gone. False if no module can be meant.
  bool changed(const std::string& path);

  // Lists the modules of the layer; each is a step to come.
  void begin_scan();
  struct Step {
    std::string module;
    std::optional<LocalModule> now;  // nullopt: it is not there
    bool is_of_scan = false;
  };
  // Looks at one module that waits, those that changed first; nullopt if none does. Throws IndexError
  // and std::system_error, and then has given this module up.
  std::optional<Step> step();

  // The module as it is now; nullopt if it is not there.
  std::optional<LocalModule> look(const std::string& module) const;
  // The paths of its files, symlinks left out.
  std::vector<std::string> files_of(const std::string& module) const;

  struct Entry {
    std::string path;
    LocalModule module;
  };
  // What was seen last of the modules that `which` is true of.
  template <typename Which>
  std::vector<Entry> list(Which which) const {
    const std::lock_guard lock(mutex_);
    std::vector<Entry> entries;
    for (const auto& [path, module] : modules_)
      if (which(module)) entries.push_back({path, module});
    return entries;
  }
  // False until every module has been looked at once.
  bool is_scanned() const { return is_scanned_; }

 private:
  struct File;
  void expand_folders();
  void add_folder(const std::string& version, std::vector<std::string>& modules) const;
  void collect(const std::string& module, const std::string& inside,
               std::vector<File>& files) const;
  Whose whose(const std::string& module, const std::vector<File>& files) const;
  Failure read_failure(const std::string& module, const std::vector<File>& files) const;
  std::string start_of(const std::string& path, std::size_t bytes) const;

  const Layer& layer_;
  index::Index& index_;
  std::vector<std::string> unscanned_;  // of the stepping thread alone
  std::atomic<bool> is_scanned_{false};

  mutable std::mutex mutex_;                    // a leaf; protects everything below
  std::set<std::string> folders_;               // compiler folders to be listed
  std::set<std::string> changed_;               // modules to be looked at
  std::map<std::string, LocalModule> modules_;  // without copies: they are their source's
};

}  // namespace neffs::fs
