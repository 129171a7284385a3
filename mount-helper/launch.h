// Becoming a daemon, and telling the one who mounts how it went.
#pragma once

#include <functional>
#include <string>

#include "fs/unique_fd.h"

namespace neffs::mount_helper {

// How the daemon reports to the command that started it: once.
class Readiness {
 public:
  explicit Readiness(fs::UniqueFd pipe) : pipe_(std::move(pipe)) {}
  // The mount is there; `summary` is what was resolved. The daemon's output ends here.
  void ready(const std::string& summary);
  void failed(const std::string& why);

 private:
  void send(char verdict, const std::string& text);
  fs::UniqueFd pipe_;
};

struct LaunchResult {
  bool is_ready = false;
  std::string text;  // the summary, or why it failed
};

// Runs `body` in a process of its own, without a terminal, and waits for its report. A daemon that
// ends without one has failed. Call it before the first thread.
LaunchResult launch(const std::function<void(Readiness&)>& body);

// What every process that serves a mount needs: the signals that end it blocked for all threads,
// no umask of its own, all the descriptors it may have.
void prepare_to_serve();

}  // namespace neffs::mount_helper
