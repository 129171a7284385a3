// What a user of the cache asked for and what it got, a line each, as it happens.
#pragma once

#include <filesystem>
#include <string>

namespace neffs::test {

// "ok", or the errno's name: "ENOENT".
std::string name_of_error(int error);
// errno if a system call's result says that it failed, else 0.
int error_of(long result);

// Goes to stdout at once, so that a process that is killed has said what it did. One thread.
class Transcript {
 public:
  // A silent one is for those of many whose order nobody can foretell.
  explicit Transcript(bool is_silent = false) : is_silent_(is_silent) {}

  void say(const std::string& line) const;
  // "what: ok" or "what: ENOENT"; gives the errno back.
  int note(const std::string& what, int error) const;
  // The same; what went wrong is thrown as std::system_error.
  void must(const std::string& what, int error) const;

 private:
  const bool is_silent_;
};

}  // namespace neffs::test
