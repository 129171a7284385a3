#include "mount-helper/unmount.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <vector>

#include "fs/unique_fd.h"
#include "mount-helper/command_error.h"

namespace neffs::mount_helper {
namespace {

[[noreturn]] void fail(const std::string& mount_point, const std::string& why,
                       const std::string& what_to_do = "") {
  throw CommandError(fmt::format("unmounting {}", mount_point), why, what_to_do);
}

UnmountResult unmount_as_root(const std::string& mount_point, bool is_lazy) {
  const int flags = UMOUNT_NOFOLLOW | (is_lazy ? MNT_DETACH : 0);
  if (::umount2(mount_point.c_str(), flags) == 0) return UnmountResult::kDone;
  if (errno == EBUSY) return UnmountResult::kBusy;
  fail(mount_point, std::generic_category().message(errno));
}

struct Finished {
  int status = 0;  // as of waitpid
  std::string errors;
};

class SpawnActions {
 public:
  SpawnActions() { ::posix_spawn_file_actions_init(&actions_); }
  ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

std::string read_all(int fd) {
  std::string text;
  std::array<char, 1024> buffer{};
  for (ssize_t size = 0; (size = ::read(fd, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return text.substr(0, text.find('\n'));
}

// Its messages are the program's only way to say why; they are asked for in English.
Finished run_fusermount(const std::string& mount_point, bool is_lazy) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) fail(mount_point, "no pipe");
  const fs::UniqueFd from_child(pipe[0]);
  fs::UniqueFd to_parent(pipe[1]);
  SpawnActions actions;
  ::posix_spawn_file_actions_adddup2(actions.get(), to_parent.get(), STDERR_FILENO);
  std::vector<std::string> words = {"fusermount3", is_lazy ? "-uz" : "-u", "--", mount_point};
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::string language = "LC_ALL=C";
  std::string path = "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
  std::array<char*, 3> environment = {language.data(), path.data(), nullptr};
  pid_t child = 0;
  if (::posix_spawnp(&child, words[0].c_str(), actions.get(), nullptr, arguments.data(),
                     environment.data()) != 0) {
    fail(mount_point, "fusermount3 cannot be run", "install the package fuse3, or be root");
  }
  to_parent.reset();
  Finished finished;
  finished.errors = read_all(from_child.get());
  while (::waitpid(child, &finished.status, 0) < 0 && errno == EINTR) continue;
  return finished;
}

}  // namespace

UnmountResult unmount(const std::string& mount_point, bool is_lazy) {
  if (::geteuid() == 0) return unmount_as_root(mount_point, is_lazy);
  const Finished finished = run_fusermount(mount_point, is_lazy);
  if (WIFEXITED(finished.status) && WEXITSTATUS(finished.status) == 0) return UnmountResult::kDone;
  if (finished.errors.find("busy") != std::string::npos) return UnmountResult::kBusy;
  fail(mount_point, finished.errors.empty() ? "fusermount3 failed" : finished.errors,
       "root may unmount what others have mounted");
}

}  // namespace neffs::mount_helper
