// What the kernel remembers of the names and attributes that it was told.
#pragma once

#include <string>
#include <vector>

#include "fs/node_table.h"

namespace neffs::fs {

// Makes it forget, after a change that it cannot know of. May be called by any thread, also one that
// answers a request: nothing here waits for a lock of the kernel. What cannot be told at once is told
// a moment later.
class KernelCache {
 public:
  struct Name {
    NodeId parent = 0;
    std::string name;
  };

  virtual ~KernelCache() = default;
  // These names have come, gone, or stand for something else.
  virtual void forget_names(std::vector<Name> names) = 0;
  // Size and times of the file were changed by other means than a request.
  virtual void forget_attributes(NodeId node) = 0;
};

}  // namespace neffs::fs
