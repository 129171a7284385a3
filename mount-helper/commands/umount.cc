#include "mount-helper/commands/umount.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "fs/unique_fd.h"
#include "mount-helper/command_error.h"
#include "mount-helper/commands/flush.h"
#include "mount-helper/control.h"
#include "mount-helper/holders.h"
#include "mount-helper/mount_table.h"
#include "mount-helper/output.h"
#include "mount-helper/unmount.h"

namespace neffs::mount_helper {
namespace {

constexpr std::chrono::milliseconds kAskLimit{1'000};
constexpr std::chrono::milliseconds kEndLimit{10'000};
constexpr std::chrono::milliseconds kBetweenTries{50};

MountEntry find_mount(const std::string& typed) {
  const auto table = read_mount_table();
  const auto path = mount_path(typed, table);
  const auto mounted = mount_at(table, path);
  if (!mounted) throw CommandError(path.string(), "not mounted");
  if (mounted->type != kFilesystemType) {
    throw CommandError(path.string(), fmt::format("not a neffs mount but {}", mounted->type),
                       "umount unmounts it");
  }
  return *mounted;
}

// The process behind a mount, kept so that no other one can take its number.
class Daemon {
 public:
  // None if it does not answer, or is not to be seen from this container.
  explicit Daemon(const std::string& mount_point) {
    const ControlAnswer answer = ask(mount_point, hello_request(), kAskLimit);
    is_silent_ = answer.health == MountHealth::kSilent;
    const auto hello = nlohmann::json::parse(answer.text, nullptr, false);
    if (!hello.is_object() || !hello.contains("pid") || !hello["pid"].is_number_integer()) return;
    pid_ = hello["pid"].get<pid_t>();
    process_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    if (!is_neffs()) process_.reset();
  }

  // False if it is still there after the limit.
  bool wait(std::chrono::milliseconds limit) const {
    if (!process_) return true;
    struct pollfd ended {
      process_.get(), POLLIN, 0
    };
    return ::poll(&ended, 1, static_cast<int>(limit.count())) > 0;
  }

  pid_t pid() const { return pid_; }
  bool is_silent() const { return is_silent_; }

 private:
  // Its number may mean another process in this PID namespace.
  bool is_neffs() const {
    std::string name;
    std::ifstream in(fmt::format("/proc/{}/comm", pid_));
    std::getline(in, name);
    return name == "neffs" || name == "mount.neffs";
  }

  pid_t pid_ = 0;
  bool is_silent_ = false;
  fs::UniqueFd process_;
};

[[noreturn]] void refuse_busy(const MountEntry& mounted, const Daemon& daemon) {
  // Whoever has asked a silent daemon, this program too, waits inside of the mount and holds it.
  if (daemon.is_silent()) {
    throw CommandError(fmt::format("unmounting {}", mounted.mount_point),
                       "in use, and its daemon does not answer", "neffs umount --lazy detaches it");
  }
  const auto holders = holders_of(mounted);
  throw CommandError(fmt::format("unmounting {}", mounted.mount_point),
                     holders.empty() ? "in use" : "in use by " + holders_text(holders),
                     "end them, or neffs umount --lazy detaches it now");
}

// It is unmounted whatever comes of it.
bool try_flush(const std::string& mount_point, const UmountRequest& request) {
  try {
    return flush(
        mount_point, request.flush_s, [] { return false; }, request.is_quiet);
  } catch (const std::exception& error) {
    complain(error.what());
    return false;
  }
}

}  // namespace

void unmount_when_free(const std::string& mount_point, std::chrono::milliseconds patience) {
  const MountEntry mounted = find_mount(mount_point);
  const Daemon daemon(mounted.mount_point);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (unmount(mounted.mount_point, false) == UnmountResult::kBusy) {
    if (std::chrono::steady_clock::now() >= deadline) refuse_busy(mounted, daemon);
    std::this_thread::sleep_for(kBetweenTries);
  }
  if (!daemon.wait(kEndLimit)) {
    warn(fmt::format("{}: unmounted, its daemon (pid {}) has not ended yet", mounted.mount_point,
                     daemon.pid()));
  }
}

int umount_command(const UmountRequest& request) {
  const MountEntry mounted = find_mount(request.mount_point);
  const bool is_flushed = !request.flushes || try_flush(mounted.mount_point, request);
  if (!request.flushes && !request.is_quiet) warn_of_unpublished(mounted.mount_point, kAskLimit);
  const int result = is_flushed ? kSuccess : kFailure;
  if (request.is_lazy)
    unmount(mounted.mount_point, true);
  else
    unmount_when_free(mounted.mount_point, {});
  return result;
}

}  // namespace neffs::mount_helper
