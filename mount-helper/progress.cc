#include "mount-helper/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace neffs::mount_helper {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kBetweenLines{10};

// A terminal that is gone is no reason to give up.
void say(const std::string& text) {
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace

Progress::Progress(bool is_quiet)
    : is_quiet_(is_quiet),
      is_terminal_(::isatty(STDERR_FILENO) == 1),
      next_(Clock::now() + kBetweenLines) {}

void Progress::show(const std::string& text) {
  if (is_quiet_) return;
  if (is_terminal_) {
    say(fmt::format("\r{:{}}", text, width_));
    width_ = std::max(width_, text.size());
  } else if (Clock::now() >= next_ && text != last_) {
    say(text + "\n");
    next_ = Clock::now() + kBetweenLines;
    last_ = text;
  }
}

void Progress::end() {
  if (is_terminal_ && width_ > 0) say(fmt::format("\r{:{}}\r", "", width_));
  width_ = 0;
}

}  // namespace neffs::mount_helper
