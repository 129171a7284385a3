// A process that a test starts: its words, its variables, what it says, how it ended.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace neffs::test {

using Variables = std::map<std::string, std::string>;

inline constexpr std::chrono::seconds kLongEnough{30};

// How a process has ended, and everything it said.
struct Ended {
  int exit_code = 0;  // -N: by signal N
  std::string out;
  std::string err;
};

// Owns the process: what is still running when this ends is killed, and reaped in any case. Used by
// one thread.
class Child {
 public:
  struct Start {
    std::vector<std::string> words;  // words[0] is looked for in PATH
    Variables variables;             // all there are
    std::string directory = "/";
  };

  // Throws std::system_error if it cannot be started.
  explicit Child(const Start& start);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  // Ends its standard input: those that wait for that go on.
  void close_input();
  void send(int signal) const;
  // False if it is still running after the limit.
  bool wait(std::chrono::milliseconds limit = kLongEnough);
  // After wait().
  int exit_code() const { return *exit_code_; }
  // Everything up to now.
  std::string out() const;
  std::string err() const;
  // Waits until it has said `text`, or ended; false if it has not.
  bool wait_for_out(const std::string& text, std::chrono::milliseconds limit = kLongEnough);

 private:
  pid_t pid_ = -1;
  int process_ = -1;  // pidfd
  int input_ = -1;
  int out_ = -1;
  int err_ = -1;
  std::optional<int> exit_code_;
};

// Starts it and waits for its end. Throws std::runtime_error if it does not end.
Ended run(const Child::Start& start, std::chrono::milliseconds limit = kLongEnough);

}  // namespace neffs::test
