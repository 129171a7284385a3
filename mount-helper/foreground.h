// Runs a program as a shell does: in the foreground, its end waited for, with the signals meant for it.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace neffs::mount_helper {

// As a shell says how a program ended: 128+N by signal N, 127 not found, 126 not to be executed.
inline constexpr int kNotFound = 127;
inline constexpr int kNotExecutable = 126;
inline constexpr int kBySignal = 128;

// From its construction on, and until the process ends, the signals that it hands on are blocked: what
// has to be put in order afterwards is not cut short by them. One a process, before the first thread.
class Foreground {
 public:
  Foreground();
  Foreground(const Foreground&) = delete;
  Foreground& operator=(const Foreground&) = delete;

  // Runs words[0], looked for in PATH, and returns its status when it has ended; why it could not be
  // started is said on stderr. Signals received meanwhile are handed on, but for those that the
  // terminal has sent to both. Throws std::system_error where there is no room for a process.
  int run(const std::vector<std::string>& words);

  // A signal that asks to end and has come since the last call or the end of run(); 0 if none has.
  int asked_to_end();

 private:
  [[noreturn]] void become(std::vector<char*>& words, int to_parent) const;
  int wait_for(pid_t child);
  void forget_signals();

  sigset_t before_{};   // what was blocked
  sigset_t awaited_{};  // those that are handed on, and SIGCHLD
  bool ignored_pipe_ = false;
};

}  // namespace neffs::mount_helper
