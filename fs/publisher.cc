#include "fs/publisher.h"

#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <exception>
#include <utility>

#include <spdlog/spdlog.h>

#include "fs/push_limits.h"
#include "fs/unix_time.h"

namespace neffs::fs {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// Modules a commit; up after each full one that was quick, down when the Hub has trouble with it.
constexpr std::uint64_t kFirstBatch = 100;
constexpr seconds kAfterRefusal{30};
constexpr int kNice = 5;

}  // namespace

Publisher::Publisher(const Layer& layer, index::Index& index, hub::PushRepo& repo,
                     hub::RemoteRepo& reader, const index::UploadTarget& target, Helpers helpers,
                     const PublishOptions& options)
    : parts_{layer,
             index,
             repo,
             reader,
             target,
             target.endpoint + "/" + target.repo + "@" + target.branch,
             helpers.is_written,
             helpers.head_is,
             helpers.look_again,
             [this] { ++superseded_; },
             options.only_private,
             options.mountpoint},
      helpers_(std::move(helpers)),
      batch_size_(kFirstBatch),
      pace_(options.commit_interval) {
  parts_.index.set_upload_target(parts_.target);
}

Publisher::~Publisher() {
  stop();
}

void Publisher::start() {
  thread_ = std::thread([this] { run(); });
}

void Publisher::stop() {
  stop_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    is_woken_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

// --- what the housekeeper tells -------------------------------------------------------------------

bool Publisher::settled(const std::string& path, std::vector<index::SeenFile> files) {
  try {
    const auto queued = parts_.index.queue_upload(path, parts_.target, files, now_s());
    if (queued.change == index::Queued::Change::kUnchanged) return true;
    spdlog::info("{} is queued for {}", path, parts_.target.repo);
  } catch (const index::IndexError& error) {
    spdlog::warn("{} cannot be queued now: {}", path, error.what());
    return false;
  }
  {
    const std::lock_guard lock(mutex_);
    is_woken_ = true;
  }
  wake_.notify_all();
  return true;
}

// What was pushed is a copy now, and has ended.
void Publisher::gone(const std::string& path) {
  try {
    const auto upload = parts_.index.upload(path);
    if (!upload || upload->entry.state == index::UploadState::kPushed) return;
    parts_.index.drop_uploads(path);
  } catch (const index::IndexError& error) {
    spdlog::warn("{} is gone, and still queued: {}", path, error.what());
  }
}

void Publisher::hurry(bool and_full) {
  if (and_full) {
    {
      const std::lock_guard lock(mutex_);
      full_.clear();
    }
    let_in();
  }
  parts_.index.make_due(parts_.target);
  {
    const std::lock_guard lock(mutex_);
    is_woken_ = hurries_ = true;
    paused_ = {};
    status_.state = "ok";  // what was refused may be granted now
  }
  wake_.notify_all();
}

void Publisher::set_commit_interval(std::chrono::milliseconds interval) {
  {
    const std::lock_guard lock(mutex_);
    pace_.set_interval(interval);
    is_woken_ = true;
  }
  wake_.notify_all();
}

PublishStatus Publisher::status() const {
  const auto due = parts_.index.next_due_s(parts_.target);
  const auto now = std::chrono::system_clock::now();
  const std::lock_guard lock(mutex_);
  auto status = status_;
  status.commits_in_last_hour = pace_.in_last_hour(now);
  status.full_folders = full_.names();
  status.pushed = pushed_;
  status.superseded = superseded_;
  if (due) {
    const auto at = std::max({Time(seconds(*due)), pace_.next(now, hurries_), paused_});
    status.next_commit_in_s = std::max(0.0, std::chrono::duration<double>(at - now).count());
  }
  return status;
}

// --- the thread -----------------------------------------------------------------------------------

void Publisher::run() {
  ::pthread_setname_np(::pthread_self(), "neffs-push");
  ::setpriority(PRIO_PROCESS, 0, kNice);  // of this thread alone
  while (!stop_.stop_requested()) {
    try {
      work();
    } catch (const hub::HubError& error) {
      if (error.kind == hub::HubErrorKind::kCancelled) return;
      note(error);
    } catch (const std::exception& error) {
      note({hub::HubErrorKind::kLocal, error.what()});
    }
  }
}

// Returns when something has gone wrong, by throwing, or the end is near.
void Publisher::work() {
  while (!stop_.stop_requested()) {
    const auto now = std::chrono::system_clock::now();
    if (let_in_due(now)) continue;
    const auto due = parts_.index.next_due_s(parts_.target);
    Time at = Time::max();
    Time until = Time::max();
    {
      const std::lock_guard lock(mutex_);
      if (due || !is_recovered_) at = std::max(paused_, Time(seconds(due.value_or(0))));
      if (due) at = std::max(at, pace_.next(now, hurries_));
      until = std::min(at, full_.next());
    }
    if (until > now && (waits(until) || until < at)) continue;
    if (stop_.stop_requested()) return;
    recover();
    push_due();
  }
}

// True if it was woken before; what is due may be something else then.
bool Publisher::waits(Time until) {
  std::unique_lock lock(mutex_);
  const auto is_wanted = [this] { return is_woken_; };
  bool was_woken = true;
  if (until == Time::max())
    wake_.wait(lock, is_wanted);
  else
    was_woken = wake_.wait_until(lock, until, is_wanted);
  is_woken_ = false;
  return was_woken;
}

void Publisher::recover() {
  if (is_recovered_) return;
  const auto now = std::chrono::system_clock::now();
  for (const auto& push : parts_.index.recover_pushes(parts_.target, unix_s(now))) {
    const bool is_made = find_out(parts_, push);
    spdlog::info("a commit of {} modules, whose answer was lost, was {}", push.uploads.size(),
                 is_made ? "made" : "not made: they are sent again");
    std::vector<std::int64_t> generations;
    for (const auto& upload : push.uploads) generations.push_back(upload.generation);
    if (is_made)
      pushed_ += generations.size();
    else
      parts_.index.put_back(generations, 0, "", unix_s(now));
  }
  let_in();
  parts_.index.make_due(parts_.target);  // the clock may have been wrong when the times were set
  is_recovered_ = true;
}

void Publisher::note(const hub::HubError& error) {
  const auto now = std::chrono::system_clock::now();
  const bool is_throttled = error.kind == hub::HubErrorKind::kThrottled;
  const auto wait = is_throttled ? error.retry_after.value_or(minutes(1)) : kAfterRefusal;
  const std::lock_guard lock(mutex_);
  const bool is_news = status_.last_error != error.what();
  status_.state = hub::to_string(error.kind);
  status_.last_error = error.what();
  if (is_throttled) pace_.throttled(now + wait);
  // What has waited for a flush waits for the Hub now.
  hurries_ = false;
  const bool repeats_soon = error.kind == hub::HubErrorKind::kUnknownOutcome ||
                            error.kind == hub::HubErrorKind::kHeadMoved;
  paused_ = now + (repeats_soon ? seconds(2) : wait);
  if (is_news) spdlog::warn("nothing is published for now: {}", error.what());
}

}  // namespace neffs::fs
