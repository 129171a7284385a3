// Who is told which modules are used.
#pragma once

#include <string>

namespace neffs::fs {

// Safe for any thread. used() is called by the thread that opens or makes a file, before the reply and with
// no lock held; it may write to the index and must not throw.
class UseListener {
 public:
  virtual ~UseListener() = default;

  // False: there is no need to tell. Asked with every open.
  virtual bool listens() const = 0;
  // An output of the module is opened, made or renamed into place: more than a lock or an input of it.
  virtual void used(const std::string& module) = 0;
};

}  // namespace neffs::fs
