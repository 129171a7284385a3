// The composition root: the only place that builds the real objects, in order, and ends them in
// reverse.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fs/unique_fd.h"
#include "hub/environment.h"
#include "mount-helper/mount_settings.h"
#include "mount-helper/options.h"
#include "mount-helper/source.h"
#include "mount-helper/state_directory.h"

namespace neffs::mount_helper {

// Everything that was found out before a process of its own was started.
struct DaemonPlan {
  std::vector<Source> sources;  // in their order, at least one
  MountOptions options;
  std::string mountpoint;    // absolute
  std::string layer_path;    // for people: the layer is reached through layer_fd only
  fs::UniqueFd layer_fd;     // the layer's directory, opened before it is covered
  StateDirectory state;      // in the layer; held for life: no other daemon uses this layer
  bool is_of_run = false;    // made by `neffs run`
  std::string sources_said;  // as MountSettings has them
  // What the same command would make of the files now, for a reload. Throws as read_settings(). May wait
  // for disks.
  std::function<MountSettings()> read_settings;
  hub::Environment environment{{}};  // whose token and endpoint count
};

// One mount. Used by one thread; construct it after the last fork.
class Daemon {
 public:
  // Opens the index, asks for the heads of the sources. Throws HubError where the Hub refuses for good,
  // IndexError, std::system_error.
  explicit Daemon(DaemonPlan plan);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // From here on the mountpoint is covered; requests wait until run(). Throws as Session::mount().
  void mount();
  // What was resolved, a line each, for the one who mounts.
  std::string summary() const;
  // Calls `serving` when it answers. Serves until the mount is gone or a signal asks for the end; then
  // ends everything within two seconds, whatever the Hub does. SIGHUP has the token and the
  // options read again, the heads asked for and what is queued tried at once, but for a process that has a
  // terminal: there it asks for the end.
  void run(const std::function<void()>& serving);

 private:
  struct Parts;
  class EndTimer;
  std::unique_ptr<EndTimer> end_timer_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace neffs::mount_helper
