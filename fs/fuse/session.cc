#include "fs/fuse/session.h"

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <spdlog/spdlog.h>

namespace neffs::fs {
namespace {

// No request waits for the Hub on these threads, so a few serve any number of callers.
constexpr int kWorkers = 8;
constexpr std::chrono::milliseconds kGraceToEnd{1000};
constexpr std::chrono::milliseconds kWakeAgain{10};

// libfuse splits its options at commas.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == ',' || c == '\\') result.push_back('\\');
    result.push_back(c);
  }
  return result;
}

// Passthrough is agreed on in messages that libfuse does not make by itself: the filter stands between it and
// the device, which libfuse lets it do from 3.14 on.
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 14)
constexpr bool kCanFilter = true;

DeviceFilter* filter_of(void* userdata) {
  return static_cast<OperationsContext*>(userdata)->filter;
}

ssize_t read_device(int fd, void* buffer, size_t size, void* userdata) {
  return filter_of(userdata)->read(fd, buffer, size);
}
ssize_t write_device(int fd, iovec* parts, int count, void* userdata) {
  return filter_of(userdata)->writev(fd, parts, count);
}
ssize_t splice_to_device(int from, off_t* from_offset, int to, off_t* to_offset, size_t size,
                         unsigned flags, void* /*userdata*/) {
  return ::splice(from, from_offset, to, to_offset, size, flags);
}

void put_filter_between(fuse_session* session) {
  const fuse_custom_io io{write_device, read_device, nullptr, splice_to_device};
  if (const int error = ::fuse_session_custom_io(session, &io, ::fuse_session_fd(session));
      error != 0)
    throw std::system_error(-error, std::generic_category(), "fuse_session_custom_io");
}
#else
constexpr bool kCanFilter = false;
void put_filter_between(fuse_session* /*session*/) {}
#endif

__attribute__((format(printf, 2, 0))) void log_of_libfuse(fuse_log_level level, const char* format,
                                                          va_list arguments) {
  std::array<char, 512> line{};
  std::vsnprintf(line.data(), line.size(), format, arguments);
  std::string text = line.data();
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (level <= FUSE_LOG_WARNING)
    spdlog::warn("{}", text);
  else
    spdlog::debug("{}", text);
}

// Wakes a thread out of read(2) without ending the process.
void install_wake_up() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  ::sigaction(SIGUSR2, &action, nullptr);
}

const char* why_refused() {
  if (::access("/dev/fuse", F_OK) != 0)
    return "there is no /dev/fuse (modprobe fuse; in a container, --device /dev/fuse)";
  if (::access("/dev/fuse", R_OK | W_OK) != 0)
    return "this user may not open /dev/fuse (chmod 666 /dev/fuse, or mount as root)";
  return "the kernel or fusermount3 refused the mount (neffs doctor and dmesg may say why)";
}

UniqueFd end_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) throw_errno("signalfd");
  return fd;
}

}  // namespace

void Session::SessionDeleter::operator()(fuse_session* session) const {
  ::fuse_session_destroy(session);
}

Session::Session(MountSpec spec)
    : spec_(std::move(spec)), ended_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!ended_) throw_errno("eventfd");
}

Session::~Session() {
  if (mounted_) detach();
  join_workers();
}

void Session::mount(int layer_fd, int probe) {
  const bool want = kCanFilter && spec_.passthrough != Passthrough::kOff && ::geteuid() == 0;
  filter_ = std::make_unique<DeviceFilter>(want ? stack_depth_for(layer_fd) : 0);
  context_.filter = filter_.get();
  std::string options = "fsname=" + escaped(spec_.source) + ",subtype=neffs,nosuid,nodev";
  if (spec_.allow_other) options += ",allow_other";
  if (spec_.default_permissions) options += ",default_permissions";
  if (spec_.read_only) options += ",ro";
  for (const auto& option : spec_.kernel_options) options += "," + option;
  std::string program = "neffs";
  std::string flag = "-o";
  std::array<char*, 4> argv{program.data(), flag.data(), options.data(), nullptr};
  fuse_args args = FUSE_ARGS_INIT(3, argv.data());
  ::fuse_set_log_func(log_of_libfuse);
  session_.reset(::fuse_session_new(&args, &operations(), sizeof operations(), &context_));
  ::fuse_opt_free_args(&args);
  if (!session_) throw std::runtime_error("libfuse refused the mount options: " + options);
  if (::fuse_session_mount(session_.get(), spec_.mountpoint.c_str()) != 0)
    throw std::runtime_error(why_refused());
  mounted_ = true;
  put_filter_between(session_.get());
  shake_hands();
  if (want && filter_->is_passthrough()) {
    auto backing = std::make_unique<KernelBackingFiles>(::fuse_session_fd(session_.get()));
    if (const auto id = backing->open(probe)) {
      backing->close(*id);
      backing_ = std::move(backing);
    }
  }
  context_.passthrough = backing_ != nullptr;
  notifier_ = std::make_unique<Notifier>(session_.get());
  if (spec_.passthrough == Passthrough::kOn && !backing_)
    throw std::runtime_error(
        "passthrough=on cannot be had: it needs root, Linux 6.9, libfuse 3.14 and a layer that is "
        "on no stacked filesystem (use passthrough=auto)");
}

// INIT is answered here, so that what was agreed is known before the first request.
void Session::shake_hands() {
  fuse_buf buffer{};
  const int got = ::fuse_session_receive_buf(session_.get(), &buffer);
  if (got > 0) ::fuse_session_process_buf(session_.get(), &buffer);
  std::free(buffer.mem);
  if (got <= 0) throw std::system_error(got < 0 ? -got : EIO, std::generic_category(), "INIT");
}

void Session::work() {
  ::pthread_setname_np(::pthread_self(), "neffs-fuse");
  // The thread's umask is its own: it takes on that of whose call it answers (UmaskOf).
  if (::unshare(CLONE_FS) != 0) spdlog::warn("a thread shares the process's umask");
  fuse_buf buffer{};
  while (::fuse_session_exited(session_.get()) == 0) {
    const int got = ::fuse_session_receive_buf(session_.get(), &buffer);
    if (got == -EINTR || got == -EAGAIN) continue;
    if (got <= 0) break;
    ::fuse_session_process_buf(session_.get(), &buffer);
  }
  std::free(buffer.mem);
  --running_;
  const std::uint64_t one = 1;
  (void)!::write(ended_.get(), &one, sizeof one);
}

void Session::run(CacheFs& fs, ControlChannel& control, const std::function<void()>& serving,
                  const std::function<void()>& before_end) {
  const auto signals = end_signals();
  install_wake_up();
  context_.fs = &fs;
  context_.control = &control;
  running_ = kWorkers;
  for (int i = 0; i < kWorkers; ++i) workers_.emplace_back([this] { work(); });
  serving();
  if (wait_for_end(signals.get())) {
    detach();
  } else {
    mounted_ = false;  // somebody else unmounted it
  }
  before_end();
  join_workers();
}

// True if a signal asks for the end, false if the mount is gone.
bool Session::wait_for_end(int signal_fd) {
  std::array<pollfd, 2> waits{{{signal_fd, POLLIN, 0}, {ended_.get(), POLLIN, 0}}};
  while (true) {
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) throw_errno("poll");
    if ((waits[1].revents & POLLIN) != 0) return false;
    if ((waits[0].revents & POLLIN) != 0 && asks_to_end(signal_fd)) return true;
  }
}

bool Session::asks_to_end(int signal_fd) {
  signalfd_siginfo info{};
  if (::read(signal_fd, &info, sizeof info) != sizeof info) return false;
  if (info.ssi_signo != SIGHUP || !hung_up_) return true;
  hung_up_();
  return false;
}

void Session::detach() {
  mounted_ = false;
  if (::geteuid() == 0) {
    if (::umount2(spec_.mountpoint.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
      spdlog::warn("could not detach {}: {}", spec_.mountpoint,
                   std::generic_category().message(errno));
    return;
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::execlp("fusermount3", "fusermount3", "-u", "-z", "-q", "--", spec_.mountpoint.c_str(),
             static_cast<char*>(nullptr));
    ::_exit(127);
  }
  if (child > 0) ::waitpid(child, nullptr, 0);
}

// After a detach the threads end by themselves as soon as no file is open; they are not waited for
// longer than a moment.
void Session::join_workers() {
  if (workers_.empty()) return;
  const auto wait = [this](std::chrono::milliseconds limit) {
    pollfd ended{ended_.get(), POLLIN, 0};
    std::uint64_t count = 0;
    if (::poll(&ended, 1, static_cast<int>(limit.count())) > 0)
      (void)!::read(ended_.get(), &count, sizeof count);
  };
  const auto deadline = std::chrono::steady_clock::now() + kGraceToEnd;
  while (running_ > 0 && std::chrono::steady_clock::now() < deadline) wait(kGraceToEnd);
  ::fuse_session_exit(session_.get());
  while (running_ > 0) {  // a signal may come right before a thread goes to sleep: again and again
    for (auto& worker : workers_) ::pthread_kill(worker.native_handle(), SIGUSR2);
    wait(kWakeAgain);
  }
  for (auto& worker : workers_) worker.join();
  workers_.clear();
}

std::string fuse_library_version() {
  return ::fuse_pkgversion();
}

}  // namespace neffs::fs
