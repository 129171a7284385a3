#include "mount-helper/warming.h"

#include <fcntl.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "fs/unique_fd.h"

namespace neffs::mount_helper {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{100};
// The daemon fetches eight at once: others find half of them free.
constexpr std::size_t kAtOnce = 4;
constexpr std::size_t kMostFailuresInARow = 20;

class Warming {
 public:
  Warming(const std::filesystem::path& mount_point, const std::vector<FileToWarm>& files,
          const WarmLimits& limits)
      : mount_point_(mount_point), files_(files), limits_(limits) {}

  Warmed run(const std::function<void(const Warmed&)>& show) {
    const auto count = std::min(kAtOnce, files_.size());
    running_ = count;
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < count; ++i) threads.emplace_back([this] { work(); });
    std::unique_lock lock(mutex_);
    while (!ended_.wait_for(lock, kBetweenLooks, [this] { return running_ == 0; })) {
      const auto now = warmed_;
      lock.unlock();
      show(now);
      lock.lock();
    }
    return warmed_;
  }

 private:
  void work() {
    while (const auto* file = next()) note(*file, fetch(*file));
    const std::lock_guard lock(mutex_);
    --running_;
    ended_.notify_all();
  }

  const FileToWarm* next() {
    const std::lock_guard lock(mutex_);
    if (!warmed_.stopped.empty() || at_ == files_.size()) return nullptr;
    const auto& file = files_[at_];
    warmed_.stopped = what_is_full(file.size);
    if (!warmed_.stopped.empty()) return nullptr;
    ++at_;
    coming_ += file.size;
    return &file;
  }

  // Why there is no room for so many bytes beside those that are on their way; "" if there is.
  std::string what_is_full(std::uint64_t size) const {
    if (limits_.room && warmed_.bytes + coming_ + size > *limits_.room)
      return "cache_size is reached";
    struct statvfs disk {};
    if (::statvfs(mount_point_.c_str(), &disk) != 0)
      return "its mount does not answer: " + std::generic_category().message(errno);
    const auto free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
    const auto least = limits_.min_free.value_or(std::uint64_t{disk.f_blocks} * disk.f_frsize / 10);
    return free < least + coming_ + size ? "the disk would be too full (min_free)" : "";
  }

  // The answer to open() comes when the whole of it is here.
  int fetch(const FileToWarm& file) const {
    for (int tries = 0;; ++tries) {
      const fs::UniqueFd fd(::open((mount_point_ / file.path).c_str(), O_RDONLY | O_CLOEXEC));
      if (fd) return 0;
      if (errno != ESTALE || tries > 2) return errno;
    }
  }

  void note(const FileToWarm& file, int error) {
    const std::lock_guard lock(mutex_);
    coming_ -= file.size;
    if (error == 0) {
      ++warmed_.files;
      warmed_.bytes += file.size;
      failures_in_a_row_ = 0;
      return;
    }
    const auto why = std::generic_category().message(error);
    warmed_.failed.emplace_back(file.path, why);
    if (error == ENOSPC) warmed_.stopped = "the disk is full";
    if (++failures_in_a_row_ >= kMostFailuresInARow) warmed_.stopped = why;
  }

  const std::filesystem::path mount_point_;
  const std::vector<FileToWarm>& files_;
  const WarmLimits limits_;

  std::mutex mutex_;  // a leaf; protects everything below
  std::condition_variable ended_;
  std::size_t running_ = 0;
  std::size_t at_ = 0;
  std::uint64_t coming_ = 0;
  std::size_t failures_in_a_row_ = 0;
  Warmed warmed_;
};

}  // namespace

Warmed warm_files(const std::filesystem::path& mount_point, const std::vector<FileToWarm>& files,
                  const WarmLimits& limits, const std::function<void(const Warmed&)>& show) {
  return Warming(mount_point, files, limits).run(show);
}

}  // namespace neffs::mount_helper
