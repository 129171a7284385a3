// A process that performs operations as one user on one tree.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "fs/unique_fd.h"
#include "tests/exercise/operation.h"
#include "tests/mount/child.h"
#include "tests/mount/scratch.h"

namespace neffs::test {

struct User {
  const char* name;
  uid_t uid;  // and gid
};
inline constexpr std::array kUsers{User{"root", 0}, User{"ann", 61001}, User{"bob", 61002}};
// Every user is in it, root too.
inline constexpr gid_t kCommonGroup = 61100;

// What an answer begins with when there is none.
inline constexpr std::string_view kNoAnswer = "no answer: ";

// Owns the process. Used by one thread.
class Worker {
 public:
  // Throws std::runtime_error if it does not come.
  Worker(const Scratch& scratch, const User& user, const std::filesystem::path& root);

  void ask(const Operation& operation);
  // What came of it, or kNoAnswer and why: the worker has died, or hangs.
  std::string answer();

 private:
  fs::UniqueFd socket_;
  Child process_;
};

// What the process itself does: connects, becomes the user, goes to the root, performs what it is
// told until the other end closes. Returns the exit code.
int work(const std::string& socket, uid_t uid, const std::string& root);

}  // namespace neffs::test
