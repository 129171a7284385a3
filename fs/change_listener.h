// Who is told when local names change.
#pragma once

#include <string>

#include "fs/reply.h"

namespace neffs::fs {

// Called by the thread that made the change, after it and before the reply, with no lock held. Must
// be quick and must not throw. A path is relative to the root; of a directory it stands for all below.
class ChangeListener {
 public:
  virtual ~ChangeListener() = default;

  // A lock file (is_lock()) was made by the caller, who still waits for the answer.
  virtual void lock_made(const std::string& path, const Caller& caller) = 0;
  // The name has come, was written to (at open, at truncation and at the last close), or is gone.
  virtual void changed(const std::string& path) = 0;
  // The name was renamed; what `to` stood for before is gone.
  virtual void moved(const std::string& from, const std::string& to) = 0;
};

}  // namespace neffs::fs
