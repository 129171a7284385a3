#include "mount-helper/launch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <exception>

#include "fs/layer.h"

namespace neffs::mount_helper {
namespace {

constexpr char kReady = '+';
constexpr char kFailed = '-';

void leave_terminal() {
  const fs::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return;
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null.get(), fd);
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> buffer{};
  while (true) {
    const auto got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

[[noreturn]] void be_daemon(fs::UniqueFd pipe, const std::function<void(Readiness&)>& body) {
  ::setsid();
  // What was blocked by the one who launches is not to be so in here.
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::chdir("/") != 0) ::_exit(1);
  Readiness readiness(std::move(pipe));
  try {
    body(readiness);
  } catch (const std::exception& error) {
    readiness.failed(error.what());
    ::_exit(1);
  }
  ::_exit(0);
}

}  // namespace

void Readiness::send(char verdict, const std::string& text) {
  if (!pipe_) return;
  const auto message = verdict + text;
  std::size_t sent = 0;
  while (sent < message.size()) {
    const auto wrote = ::write(pipe_.get(), message.data() + sent, message.size() - sent);
    if (wrote < 0 && errno != EINTR) break;
    if (wrote > 0) sent += static_cast<std::size_t>(wrote);
  }
  pipe_.reset();
}

void Readiness::ready(const std::string& summary) {
  if (pipe_) leave_terminal();
  send(kReady, summary);
}

void Readiness::failed(const std::string& why) {
  send(kFailed, why);
}

LaunchResult launch(const std::function<void(Readiness&)>& body) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fs::throw_errno("pipe");
  fs::UniqueFd reader(ends[0]);
  fs::UniqueFd writer(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) fs::throw_errno("fork");
  if (child == 0) {
    reader.reset();
    be_daemon(std::move(writer), body);
  }
  writer.reset();
  const auto report = read_all(reader.get());
  LaunchResult result;
  result.is_ready = !report.empty() && report.front() == kReady;
  result.text = report.empty() ? "the daemon ended without a word" : report.substr(1);
  if (!result.is_ready) ::waitpid(child, nullptr, 0);
  return result;
}

void prepare_to_serve() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::umask(0);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

}  // namespace neffs::mount_helper
