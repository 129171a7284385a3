// How far something is that takes its time, on stderr.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace neffs::mount_helper {

// A line that is written over on a terminal, and gone at the end; now and then one of its own elsewhere.
// Of one thread.
class Progress {
 public:
  // is_quiet: nothing is ever shown
  explicit Progress(bool is_quiet = false);
  ~Progress() { end(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(const std::string& text);
  // Before anything else is printed.
  void end();

 private:
  const bool is_quiet_;
  const bool is_terminal_;
  std::size_t width_ = 0;
  std::string last_;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace neffs::mount_helper
