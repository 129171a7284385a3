#include "mount-helper/foreground.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <system_error>

#include "fs/unique_fd.h"
#include "mount-helper/command_error.h"
#include "mount-helper/output.h"

namespace neffs::mount_helper {
namespace {

bool is_ignored(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

bool asks_to_end(int signal) {
  return signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT;
}

// Who presses Ctrl-C has told the whole process group. A terminal that goes away tells the leader of
// its session alone. What the child has sent needs no way back.
bool is_for_child(const siginfo_t& info, pid_t child) {
  if (info.si_code == SI_KERNEL) return info.si_signo == SIGHUP && ::getsid(0) == ::getpid();
  return info.si_pid != child;
}

int status_of(int waited) {
  return WIFSIGNALED(waited) ? kBySignal + WTERMSIG(waited) : WEXITSTATUS(waited);
}

// All that have ended, for in a container this may be the first process; what `child` has left, if it
// is among them.
std::optional<int> reap(pid_t child) {
  std::optional<int> found;
  int waited = 0;
  for (pid_t ended = 0; (ended = ::waitpid(-1, &waited, WNOHANG)) > 0;)
    if (ended == child) found = status_of(waited);
  return found;
}

int refusal(const std::string& word, int error) {
  const bool is_missing = error == ENOENT;
  const CommandError said(word, std::generic_category().message(error),
                          is_missing ? "is it installed, and in PATH?" : "it was not run");
  complain(said.what());
  return is_missing ? kNotFound : kNotExecutable;
}

// The errno of an exec that failed; 0 when the pipe is closed by one that did not.
int exec_error(int from_child) {
  int error = 0;
  while (true) {
    const ssize_t size = ::read(from_child, &error, sizeof error);
    if (size < 0 && errno == EINTR) continue;
    return size == sizeof error ? error : 0;
  }
}

}  // namespace

Foreground::Foreground() {
  ::sigemptyset(&awaited_);
  // What is ignored, as by nohup, stays so, for the child too.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2})
    if (!is_ignored(signal)) ::sigaddset(&awaited_, signal);
  ::sigaddset(&awaited_, SIGCHLD);
  ::signal(SIGCHLD, SIG_DFL);  // ignored, it would take the status of every child away
  ignored_pipe_ = is_ignored(SIGPIPE);
  ::signal(SIGPIPE, SIG_IGN);  // a log that is gone is no reason to leave a mount behind
  ::sigprocmask(SIG_BLOCK, &awaited_, &before_);
}

void Foreground::become(std::vector<char*>& words, int to_parent) const {
  if (!ignored_pipe_) ::signal(SIGPIPE, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
  ::execvp(words[0], words.data());
  const int error = errno;
  if (::write(to_parent, &error, sizeof error) < 0) ::_exit(kNotFound);
  ::_exit(kNotExecutable);
}

int Foreground::run(const std::vector<std::string>& words) {
  auto own = words;
  std::vector<char*> pointers;
  pointers.reserve(own.size() + 1);
  for (auto& word : own) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    throw std::system_error(errno, std::generic_category(), "pipe");
  const fs::UniqueFd from_child(ends[0]);
  fs::UniqueFd to_parent(ends[1]);
  std::fflush(nullptr);  // what is buffered is said once
  const pid_t child = ::fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) become(pointers, to_parent.get());
  to_parent.reset();
  const int error = exec_error(from_child.get());
  const int status = wait_for(child);
  forget_signals();
  return error == 0 ? status : refusal(words[0], error);
}

int Foreground::wait_for(pid_t child) {
  while (true) {
    siginfo_t info{};
    const int signal = ::sigwaitinfo(&awaited_, &info);
    if (signal == SIGCHLD) {
      if (const auto status = reap(child)) return *status;
    } else if (signal > 0 && is_for_child(info, child)) {
      ::kill(child, signal);
    }
  }
}

// The Ctrl-C that has ended the program is not meant for what comes after it.
void Foreground::forget_signals() {
  while (asked_to_end() != 0) {
  }
}

int Foreground::asked_to_end() {
  const timespec at_once{};
  while (true) {
    const int signal = ::sigtimedwait(&awaited_, nullptr, &at_once);
    if (signal < 0 && errno != EINTR) return 0;
    if (asks_to_end(signal)) return signal;
  }
}

}  // namespace neffs::mount_helper
