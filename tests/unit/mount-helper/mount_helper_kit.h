// What the tests of mount-helper/ share: directories that go away, processes that hold something, and
// FUSE mounts without a daemon behind them.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>

#include "fs/unique_fd.h"
#include "mount-helper/command_error.h"

namespace neffs::test {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "neffs-test-XXXXXX").string();
    path_ = std::filesystem::canonical(::mkdtemp(name.data()));
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  fs::UniqueFd open() const {
    return fs::UniqueFd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }

 private:
  std::filesystem::path path_;
};

inline void write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path) << text;
}

// A child that does `prepare`, says that it has, and waits to be ended.
class Bystander {
 public:
  explicit Bystander(const std::function<void()>& prepare) {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      prepare();
      if (::write(ends[1], "x", 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    ::close(ends[1]);
    char said = 0;
    is_ready_ = ::read(ends[0], &said, 1) == 1;
    ::close(ends[0]);
  }
  ~Bystander() { end(); }
  Bystander(const Bystander&) = delete;
  Bystander& operator=(const Bystander&) = delete;

  pid_t pid() const { return pid_; }
  bool is_ready() const { return is_ready_; }
  void end() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
  bool is_ready_ = false;
};

// Tests that mount do so in a mount namespace of their process: nothing is left when it ends.
class MountingTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      GTEST_SKIP() << "no right to mount: " << std::strerror(errno);
    }
  }
  void TearDown() override {
    for (const auto& path : mounted_) ::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
  }

  void mount_tmpfs(const std::filesystem::path& path) {
    ASSERT_EQ(::mount("none", path.c_str(), "tmpfs", 0, "size=1m"), 0) << std::strerror(errno);
    mounted_.push_back(path);
  }

  void bind(const std::filesystem::path& from, const std::filesystem::path& to) {
    ASSERT_EQ(::mount(from.c_str(), to.c_str(), nullptr, MS_BIND, nullptr), 0)
        << std::strerror(errno);
    mounted_.push_back(to);
  }

  // A neffs mount whose daemon never answers; it is dead as soon as the descriptor is closed.
  fs::UniqueFd mount_silent(const std::filesystem::path& path) {
    fs::UniqueFd device(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
    if (!device) return device;
    const std::string options =
        "fd=" + std::to_string(device.get()) + ",rootmode=40000,user_id=0,group_id=0";
    if (::mount("lab/cache", path.c_str(), "fuse.neffs", MS_NOSUID | MS_NODEV, options.c_str()) !=
        0) {
      return {};
    }
    mounted_.push_back(path);
    return device;
  }

  TemporaryDirectory directory_;

 private:
  std::vector<std::filesystem::path> mounted_;
};

// The text and exit code of the CommandError that `work` throws; fails the test if it throws none.
struct Refusal {
  std::string text;
  int exit_code = -1;
};

template <typename Work>
Refusal refusal_of(Work&& work) {
  try {
    work();
  } catch (const mount_helper::CommandError& error) {
    return {error.what(), error.exit_code()};
  }
  ADD_FAILURE() << "no CommandError was thrown";
  return {};
}

}  // namespace neffs::test
