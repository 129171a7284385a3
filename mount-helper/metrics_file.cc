#include "mount-helper/metrics_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <utility>

#include <spdlog/spdlog.h>

#include "fs/layer.h"
#include "fs/unique_fd.h"

namespace neffs::mount_helper {
namespace {

constexpr mode_t kForEverybody = 0644;

void replace_file(const std::filesystem::path& file, const std::string& text) {
  const auto draft = file.string() + ".neffs-" + std::to_string(::getpid());
  const fs::UniqueFd fd(
      ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, kForEverybody));
  if (!fd) fs::throw_errno("open");
  ::fchmod(fd.get(), kForEverybody);  // whatever the umask; who may not, need not
  for (std::size_t done = 0; done < text.size();) {
    const auto wrote = ::write(fd.get(), text.data() + done, text.size() - done);
    if (wrote < 0) fs::throw_errno("write");
    done += static_cast<std::size_t>(wrote);
  }
  if (std::rename(draft.c_str(), file.c_str()) != 0) fs::throw_errno("rename");
}

}  // namespace

MetricsFile::MetricsFile(std::filesystem::path file, std::function<std::string()> text,
                         std::chrono::milliseconds interval)
    : file_(std::move(file)),
      text_(std::move(text)),
      interval_(interval),
      thread_([this] { run(); }) {}

MetricsFile::~MetricsFile() {
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
  }
  stopped_.notify_all();
  thread_.join();
  std::error_code error;
  std::filesystem::remove(file_, error);
}

void MetricsFile::run() {
  std::unique_lock lock(mutex_);
  while (!is_stopped_) {
    lock.unlock();
    write();
    lock.lock();
    stopped_.wait_for(lock, interval_, [this] { return is_stopped_; });
  }
}

void MetricsFile::write() {
  try {
    replace_file(file_, text_());
    has_failed_ = false;
  } catch (const std::exception& error) {
    if (!std::exchange(has_failed_, true))
      spdlog::warn("metrics cannot be written to {}: {}", file_.string(), error.what());
  }
}

}  // namespace neffs::mount_helper
