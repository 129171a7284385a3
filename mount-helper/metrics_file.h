// The metrics of a mount in a file, for a collector that reads such files.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace neffs::mount_helper {

inline constexpr std::chrono::seconds kMetricsInterval{15};

// Writes what `text` says at once and then every `interval`, whole: a reader never sees a half. The
// file goes with this, so that nobody takes old figures for new ones. What cannot be written is
// logged, once in a row.
class MetricsFile {
 public:
  // text: called by a thread of this, ends soon; what it throws is logged.
  MetricsFile(std::filesystem::path file, std::function<std::string()> text,
              std::chrono::milliseconds interval = kMetricsInterval);
  ~MetricsFile();
  MetricsFile(const MetricsFile&) = delete;
  MetricsFile& operator=(const MetricsFile&) = delete;

 private:
  void run();
  void write();

  const std::filesystem::path file_;
  const std::function<std::string()> text_;
  const std::chrono::milliseconds interval_;
  bool has_failed_ = false;  // of the thread alone

  std::mutex mutex_;  // a leaf; protects is_stopped_
  std::condition_variable stopped_;
  bool is_stopped_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace neffs::mount_helper
