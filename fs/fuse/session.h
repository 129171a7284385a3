// A mount: from fuse_session_new to the last thread's end.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "fs/cache_fs.h"
#include "fs/fuse/control_channel.h"
#include "fs/fuse/notifier.h"
#include "fs/fuse/operations.h"
#include "fs/fuse/passthrough.h"
#include "fs/unique_fd.h"

struct fuse_session;

namespace neffs::fs {

enum class Passthrough { kAuto, kOn, kOff };

struct MountSpec {
  std::string source;      // shown as the mount's device
  std::string mountpoint;  // absolute
  bool allow_other = false;
  bool default_permissions = false;
  bool read_only = false;
  Passthrough passthrough = Passthrough::kAuto;
  std::vector<std::string> kernel_options;  // noatime, noexec, …
};

// The version of libfuse that the program runs with: "3.14.0".
std::string fuse_library_version();

// Used by one thread, but for request_end(). In order: construct, mount(), attach(), run().
class Session {
 public:
  explicit Session(MountSpec spec);
  // Detaches the mount if it is still there. Everything parked must have been answered.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Mounts and shakes hands with the kernel. Throws std::system_error, or std::runtime_error with a
  // line for people where passthrough=on cannot be had.
  //   probe: a file on the layer's disk, to find out whether the kernel takes such files
  void mount(int layer_fd, int probe);
  // Who registers the layer's files with the kernel; null if data is copied.
  BackingFiles* backing() { return backing_.get(); }
  bool is_passthrough() const { return backing_ != nullptr; }
  // Who tells the kernel what to forget; after mount().
  KernelCache* kernel() { return notifier_.get(); }

  // Instead of the end, SIGHUP asks for this, in the thread of run(). Before run().
  void on_hangup(std::function<void()> hung_up) { hung_up_ = std::move(hung_up); }

  // Serves until the mount is gone, or SIGTERM, SIGINT or SIGHUP arrives: then it is detached, and
  // files that are open for passthrough go on without us. The caller has those signals blocked in
  // all threads. `serving` is called once, when requests are answered; `before_end` once, before the
  // threads are waited for.
  void run(CacheFs& fs, ControlChannel& control, const std::function<void()>& serving,
           const std::function<void()>& before_end);

 private:
  void shake_hands();
  void work();
  void detach();
  bool wait_for_end(int signal_fd);
  bool asks_to_end(int signal_fd);
  void join_workers();

  const MountSpec spec_;
  struct SessionDeleter {
    void operator()(fuse_session* session) const;
  };
  std::unique_ptr<DeviceFilter> filter_;
  OperationsContext context_;  // what libfuse hands to every operation
  std::unique_ptr<fuse_session, SessionDeleter> session_;
  std::unique_ptr<KernelBackingFiles> backing_;
  std::unique_ptr<Notifier> notifier_;
  UniqueFd ended_;  // eventfd: a worker saw the end of the mount
  std::atomic<int> running_{0};
  std::vector<std::thread> workers_;
  bool mounted_ = false;
  std::function<void()> hung_up_;
};

}  // namespace neffs::fs
