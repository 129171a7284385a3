#include "tests/mount/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "tests/eventually.h"

namespace neffs::test {
namespace {

int require(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

// A file in memory never fills up as a pipe does, whether or not anybody reads it.
int output_file() {
  return require(::memfd_create("output", MFD_CLOEXEC), "memfd_create");
}

std::string content_of(int file) {
  struct stat st {};
  require(::fstat(file, &st), "fstat");
  std::string text(static_cast<std::size_t>(st.st_size), '\0');
  const ssize_t got = ::pread(file, text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (std::string& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

class Actions {
 public:
  Actions() { ::posix_spawn_file_actions_init(&actions_); }
  ~Actions() { ::posix_spawn_file_actions_destroy(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

}  // namespace

Child::Child(const Start& start) : out_(output_file()), err_(output_file()) {
  std::array<int, 2> input{};
  require(::pipe2(input.data(), O_CLOEXEC), "pipe");
  input_ = input[1];
  Actions actions;
  ::posix_spawn_file_actions_adddup2(actions.get(), input[0], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(actions.get(), out_, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(actions.get(), err_, STDERR_FILENO);
  ::posix_spawn_file_actions_addchdir_np(actions.get(), start.directory.c_str());
  std::vector<std::string> words = start.words;
  std::vector<std::string> variables;
  for (const auto& [name, value] : start.variables) variables.push_back(name + "=" + value);
  const int error = ::posix_spawnp(&pid_, words[0].c_str(), actions.get(), nullptr,
                                   pointers(words).data(), pointers(variables).data());
  ::close(input[0]);
  if (error != 0) throw std::system_error(error, std::generic_category(), words[0]);
  process_ = require(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)), "pidfd_open");
}

Child::~Child() {
  if (!exit_code_) {
    send(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  close_input();
  for (const int file : {process_, out_, err_}) ::close(file);
}

void Child::close_input() {
  if (input_ >= 0) ::close(input_);
  input_ = -1;
}

void Child::send(int signal) const {
  if (!exit_code_) ::kill(pid_, signal);
}

bool Child::wait(std::chrono::milliseconds limit) {
  if (exit_code_) return true;
  pollfd ended{process_, POLLIN, 0};
  if (::poll(&ended, 1, static_cast<int>(limit.count())) <= 0) return false;
  int status = 0;
  require(::waitpid(pid_, &status, 0), "waitpid");
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return true;
}

std::string Child::out() const {
  return content_of(out_);
}

std::string Child::err() const {
  return content_of(err_);
}

bool Child::wait_for_out(const std::string& text, std::chrono::milliseconds limit) {
  const auto said = [&] { return out().find(text) != std::string::npos; };
  eventually([&] { return said() || wait(std::chrono::milliseconds(0)); }, limit);
  return said();
}

Ended run(const Child::Start& start, std::chrono::milliseconds limit) {
  Child child(start);
  child.close_input();
  if (!child.wait(limit))
    throw std::runtime_error(start.words[0] + " does not end; it said: " + child.out() +
                             child.err());
  return {child.exit_code(), child.out(), child.err()};
}

}  // namespace neffs::test
