#include "mount-helper/control.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "fs/cache_layout.h"
#include "fs/control_request.h"
#include "fs/unique_fd.h"
#include "mount-helper/command_error.h"

namespace neffs::mount_helper {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kLongestAnswer = 64U << 20;

// What the child tells first: 0 and the answer follows, or the errno of what failed.
struct Verdict {
  int error = 0;
};

bool write_all(int fd, const void* bytes, std::size_t size) {
  const char* next = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t written = ::write(fd, next, size);
    if (written <= 0) return false;
    next += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

int open_and_request(const std::string& file, const fs::ControlRequest& request) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  return ::ioctl(fd, fs::kAskControl, &request) < 0 ? -1 : fd;
}

// In the child, which only makes system calls: it was forked from who knows how many threads.
[[noreturn]] void converse(const std::string& file, const fs::ControlRequest& request,
                           int to_parent) {
  const int control = open_and_request(file, request);
  const Verdict verdict{control < 0 ? errno : 0};
  std::array<char, 16384> buffer{};
  bool is_told = write_all(to_parent, &verdict, sizeof verdict);
  off_t offset = 0;
  while (is_told && control >= 0) {
    const ssize_t size = ::pread(control, buffer.data(), buffer.size(), offset);
    if (size <= 0) break;
    is_told = write_all(to_parent, buffer.data(), static_cast<std::size_t>(size));
    offset += size;
  }
  ::_exit(0);
}

class Child {
 public:
  Child(const std::string& file, const fs::ControlRequest& request) {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw_errno("pipe");
    from_child_.reset(pipe[0]);
    const fs::UniqueFd to_parent(pipe[1]);
    std::fflush(nullptr);  // what is buffered is said once
    pid_ = ::fork();
    if (pid_ < 0) throw_errno("fork");
    if (pid_ == 0) converse(file, request, to_parent.get());
  }
  // One that is stuck in the kernel is left to init; it ends when the daemon does.
  ~Child() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, has_ended_ ? 0 : WNOHANG);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Everything it says until it ends; false if it has not by the deadline.
  bool listen(std::string& said, Clock::time_point deadline) {
    std::array<char, 16384> buffer{};
    while (said.size() < kLongestAnswer) {
      if (!wait_until(deadline)) return false;
      const ssize_t size = ::read(from_child_.get(), buffer.data(), buffer.size());
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) break;
      said.append(buffer.data(), static_cast<std::size_t>(size));
    }
    has_ended_ = true;
    return true;
  }

 private:
  [[noreturn]] static void throw_errno(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
  }

  bool wait_until(Clock::time_point deadline) const {
    for (;;) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
      struct pollfd readable {
        from_child_.get(), POLLIN, 0
      };
      const int found =
          ::poll(&readable, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
      if (found >= 0 || errno != EINTR) return found > 0;
    }
  }

  fs::UniqueFd from_child_;
  pid_t pid_ = -1;
  bool has_ended_ = false;
};

MountHealth health_of(int error) {
  if (error == 0) return MountHealth::kAnswers;
  const bool is_dead = error == ENOTCONN || error == ECONNABORTED;
  return is_dead ? MountHealth::kDead : MountHealth::kOther;
}

fs::ControlRequest packed(const std::filesystem::path& mount_point, const nlohmann::json& request) {
  std::string text;
  try {
    text = request.dump();
  } catch (const nlohmann::json::type_error&) {
    // What stood for the bytes that JSON cannot say would make another name of it.
    throw CommandError(request.value("path", mount_point.string()), "the name is not UTF-8 text");
  }
  const auto packed = fs::ControlRequest::of(text);
  if (!packed) throw CommandError(mount_point.string(), "the request is too long for its daemon");
  return *packed;
}

}  // namespace

ControlAnswer ask(const std::filesystem::path& mount_point, const nlohmann::json& request,
                  std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  Child child((mount_point / fs::kControlName).string(), packed(mount_point, request));
  std::string said;
  if (!child.listen(said, deadline)) return {MountHealth::kSilent, ETIMEDOUT, ""};
  Verdict verdict{EIO};
  if (said.size() >= sizeof verdict) std::memcpy(&verdict, said.data(), sizeof verdict);
  said.erase(0, sizeof verdict);
  return {health_of(verdict.error), verdict.error, std::move(said)};
}

nlohmann::ordered_json understand(const std::filesystem::path& mount_point,
                                  const ControlAnswer& answer) {
  const std::string where = mount_point.string();
  switch (answer.health) {
    case MountHealth::kAnswers:
      break;
    case MountHealth::kDead:
      throw CommandError(where, "its daemon is gone", "neffs mount mounts it again");
    case MountHealth::kSilent:
      throw CommandError(where, "its daemon does not answer", "neffs umount --lazy detaches it");
    case MountHealth::kOther:
      throw CommandError(where, std::generic_category().message(answer.error));
  }
  auto parsed = nlohmann::ordered_json::parse(answer.text, nullptr, false);
  if (!parsed.is_object()) throw CommandError(where, "its daemon's answer cannot be understood");
  if (parsed.contains("error")) {
    throw CommandError(where, parsed["error"].is_string() ? parsed["error"].get<std::string>()
                                                          : parsed["error"].dump());
  }
  return parsed;
}

nlohmann::ordered_json ask_or_throw(const std::filesystem::path& mount_point,
                                    const nlohmann::json& request,
                                    std::chrono::milliseconds limit) {
  return understand(mount_point, ask(mount_point, request, limit));
}

}  // namespace neffs::mount_helper
