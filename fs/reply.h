// How the filesystem answers a request: at once, or later from another thread.
#pragma once

#include <sys/types.h>

#include <exception>
#include <memory>

#include "fs/wait_list.h"

namespace neffs::fs {

// Who asks, as the kernel reports it.
struct Caller {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t thread = 0;  // 0: in a pid namespace that cannot be seen from here
  mode_t umask = 0;  // told with calls that make a name
};

// One request that is answered exactly once, by any thread, with no lock held.
template <typename Answer>
class Reply {
 public:
  virtual ~Reply() = default;
  virtual void ok(const Answer& answer) = 0;
  virtual void failed(std::exception_ptr error) = 0;
  // The request is going to wait; WaitList::interrupted(id) says that a signal reached the caller.
  // Called before anybody can answer.
  virtual void parked(WaitId id) = 0;
};

template <typename Answer>
using ReplyPtr = std::shared_ptr<Reply<Answer>>;

}  // namespace neffs::fs
