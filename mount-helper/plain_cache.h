// A cache directory that is not mounted, as one who publishes it sees it: what in it is whole, and what is
// not, by the rules of a mount.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "fs/layer.h"
#include "fs/module_tracker.h"
#include "index/index.h"
#include "index/upload.h"

namespace neffs::mount_helper {

// A module, or one file of a registry.
struct PlainPiece {
  std::string path;  // relative to the cache
  std::vector<index::SeenFile> files;
};
struct SkippedPiece {
  std::string path;
  std::string why;
  bool is_failed = false;  // it is whole, and cannot be published as it is
};

struct PlainContents {
  std::vector<PlainPiece> whole;       // and ours; published or not yet
  std::vector<SkippedPiece> skipped;   // by path
  std::uint64_t copies = 0;            // of the repo it is published to
  std::uint64_t copies_of_others = 0;  // of other repos
};

class PlainCache {
 public:
  // directory: absolute. source: what is copied from, as LayerFile has it. settle: how long a module is to
  // be quiet; both references outlive this.
  PlainCache(const fs::Layer& layer, index::Index& index, const std::string& directory,
             std::string source, std::chrono::milliseconds settle);

  // Looks at everything and changes nothing: whether something may have to be published. Once, first.
  bool find();
  // What there is. What was found there and is whole is ours from here on: set the index's upload target
  // before, and see that it can be published there. What was changed a moment ago is waited for, for as long as it has to be quiet, and
  // skipped if it is not quiet then. Throws IndexError, std::system_error.
  PlainContents take();

 private:
  void look(const std::string& path, PlainContents& contents);
  bool is_new(const std::string& path, const fs::LocalModule& module) const;
  bool count_copy(const fs::LocalModule& module, PlainContents& contents) const;
  void make_ours(const std::string& path);
  std::chrono::nanoseconds still_to_wait(const fs::ModuleTracker::Step& step) const;

  const fs::Layer& layer_;
  index::Index& index_;
  const std::string source_;
  const std::chrono::milliseconds settle_;
  const std::chrono::system_clock::time_point begun_ = std::chrono::system_clock::now();
  fs::ModuleTracker tracker_;
  PlainContents found_;             // by find(): copies alone, which are looked at once
  std::vector<std::string> paths_;  // what else it has found
};

}  // namespace neffs::mount_helper
