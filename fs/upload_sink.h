// Who takes what is ready to be published.
#pragma once

#include <string>
#include <vector>

#include "index/upload.h"

namespace neffs::fs {

// A path is that of a module or of one file of a registry, relative to the layer. Called by the
// housekeeper's thread, one at a time, with no lock held; must not throw.
class UploadSink {
 public:
  virtual ~UploadSink() = default;

  // What is at the path is complete, ours and quiet; these are its published files as they are now, by
  // path. After a start everything of that kind comes once, also what was taken in an earlier life.
  // Of a registry's alias, a symlink, the snapshot is that of the file that find_bytes() names.
  // False: it cannot be taken now (no target, trouble with the index); it is offered again in a while.
  virtual bool settled(const std::string& path, std::vector<index::SeenFile> files) = 0;
  // What is at the path is not to be published as it is now: deleted, unfinished, somebody else's, a copy.
  // A lock alone is no reason: of what has it, nothing is said until it is quiet again.
  // Comes for every such path that was looked at, most of which nobody ever offered: has to be quick
  // then. What was pushed becomes a copy, too: an upload that has ended may be kept.
  virtual void gone(const std::string& path) = 0;
  // Somebody has this file open for writing, or may store through a mapping of it.
  virtual bool is_written(const std::string& path) = 0;
};

}  // namespace neffs::fs
