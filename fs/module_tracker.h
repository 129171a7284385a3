// The modules that are in the layer: which are complete, which failed, whose they are, and what of them
// is to be published.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fs/cache_layout.h"
#include "fs/layer.h"
#include "fs/publishable.h"
#include "index/index.h"
#include "index/upload.h"

namespace neffs::fs {

// By the outputs: a lock or an input that was written through the mount makes nothing ours.
enum class Whose {
  kHeld,  // something in it was there before the mount, or came from below it; or a power cut may have
          // taken its bytes
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

// A module; or a file of a registry, which counts as a complete one of one file (Piece::kRegistry).
struct LocalModule {
  LocalState state = LocalState::kUnfinished;
  Whose whose = Whose::kHeld;
  std::string source;       // of a copy: what LayerFile has
  bool has_news = false;    // of a copy: a file came to it that is published, and has no record
  std::uint64_t files = 0;  // without locks and logs
  std::uint64_t bytes = 0;
  std::vector<std::string> locks;  // relative to the module
  std::optional<Failure> failure;  // kFailed
  Publishing publishing;           // by its names, whoever it belongs to
};

inline bool is_held(const LocalModule& module) {
  return module.state == LocalState::kComplete && module.whose == Whose::kHeld;
}

// Where the tracker looks for what is to be published; without it, it looks for modules only.
struct PublishedCache {
  std::string mountpoint;  // where the layer is seen, absolute; "" if nowhere
  // When the machine was started, Unix time: the bytes of older files are only there if they were
  // synced. nullopt: all are taken to be there.
  std::optional<std::int64_t> booted_s{};
};

// Looks at every module once, and again at those that changed: never at all of them. Who owns the
// thread that does so calls begin_scan() and step(); everything else is for any thread. The mutex is a
// leaf, held for map operations only; names that vanish meanwhile are as good as absent.
class ModuleTracker {
 public:
  // Both outlive this.
  ModuleTracker(const Layer& layer, index::Index& index,
                std::optional<PublishedCache> published = std::nullopt)
      : layer_(layer), index_(index), published_(std::move(published)) {}

  // Something at or below the path has come, changed or gone. False if nothing that is tracked can be
  // meant.
  bool changed(const std::string& path);

  // Lists the modules of the layer, and the files of registries; each is a step to come.
  void begin_scan();
  struct Step {
    std::string module;
    std::optional<LocalModule> now;  // nullopt: it is not there
    bool is_of_scan = false;
    // What is to be published of it, if it is whole and ours.
    std::vector<index::SeenFile> files;  // by path
    std::string bytes;                   // of a registry's file: where its bytes are
    std::vector<std::string> unsynced;   // of the files: those that may not be on the disk yet
    std::int64_t changed_ns = 0;         // the last change of one of them, Unix time
  };
  // Looks at one module that waits, those that changed first; nullopt if none does. Throws IndexError
  // and std::system_error, and then this module waits for try_again().
  std::optional<Step> step();
  // A change at or below the path was told and not looked at yet, or may have been.
  bool is_changed(const std::string& path) const;
  // What could not be looked at waits again.
  void try_again();
  // Somebody has said that the module is to be published, which those of compilers without a completion
  // mark are only then. Holds until the end of this, or as long as there is an upload of it.
  void adopt(const std::string& module);
  // Looks at a path whether or not it waits, and throws as step() does.
  Step look_at(const std::string& path) const;

  // The module as it is now; nullopt if it is not there.
  std::optional<LocalModule> look(const std::string& module) const { return look_at(module).now; }
  // The paths of its files, symlinks left out. Of a registry's file: itself.
  std::vector<std::string> files_of(const std::string& module) const;

  struct Entry {
    std::string path;
    LocalModule module;
  };
  // What was seen last of the modules, and the files of registries, that `which` is true of.
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
  bool take_next(Step& step);
  void remember(const Step& step);
  void expand_folders();
  std::vector<std::string> tracked_in(const std::string& folder) const;
  void add_registry(const std::string& folder, std::vector<std::string>& paths) const;
  void look_at_module(Step& step) const;
  void look_at_registry_file(Step& step) const;
  Whose whose_in_registry(const std::string& path, const std::string& bytes) const;
  Publishing judge(const std::string& module, LocalState state,
                   const std::vector<File>& files) const;
  bool is_adopted(const std::string& module) const;
  bool may_have_lost_bytes(const Step& step) const;
  void collect(const std::string& module, const std::string& inside,
               std::vector<File>& files) const;
  struct Record {
    index::Origin origin = index::Origin::kCopy;
    std::string source;
  };
  using Origins = std::unordered_map<std::string, Record>;
  Origins origins_in(const std::string& module) const;
  static Whose whose(const std::string& module, const std::vector<File>& files,
                     const Origins& origins);
  static void add_source(LocalModule& now, const std::string& module,
                         const std::vector<File>& files, const Origins& origins);
  static void add_files(Step& step, const std::vector<File>& files, const Origins& origins);
  Failure read_failure(const std::string& module, const std::vector<File>& files) const;
  std::string read_text(const std::string& path) const;
  std::string start_of(const std::string& path, std::size_t bytes) const;

  const Layer& layer_;
  index::Index& index_;
  const std::optional<PublishedCache> published_;
  std::vector<std::string> unscanned_;  // of the stepping thread alone
  std::atomic<bool> is_scanned_{false};

  mutable std::mutex mutex_;                    // a leaf; protects everything below
  std::set<std::string> folders_;               // compiler folders and registries to be listed
  std::set<std::string> changed_;               // modules to be looked at
  std::set<std::string> failed_;                // could not be looked at
  std::map<std::string, LocalModule> modules_;  // without copies: they are their source's
  std::set<std::string> adopted_;
};

// The file that has the bytes of a published file: itself, or of an alias in a registry the file that it
// stands for. nullopt if it is not there, or is no such file. Throws std::system_error.
std::optional<std::string> find_bytes(const Layer& layer, const std::string& path,
                                      const std::string& mountpoint);

// What tells that a file is as it was.
index::FileSnapshot snapshot_of(const struct stat& st);

}  // namespace neffs::fs
