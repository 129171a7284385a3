#include "fs/publisher.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <exception>
#include <utility>

#include <spdlog/spdlog.h>

#include "fs/remote_module.h"

namespace neffs::fs {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Modules a commit; up after each full one that was quick, down when the Hub has trouble with it.
constexpr std::uint64_t kFirstBatch = 100;
constexpr std::uint64_t kSmallestBatch = 10;
constexpr std::uint64_t kLargestBatch = 400;
constexpr seconds kQuick{40};
constexpr std::uint64_t kMostBytes = std::uint64_t{16} << 30;
// A head that moves all the time is met again later.
constexpr int kTries = 6;
constexpr milliseconds kFirstJitter{200};
constexpr seconds kToAsk{30};
constexpr seconds kAfterRefusal{30};
constexpr minutes kBetweenCounts{5};
constexpr std::uint64_t kEndedKept = 1000;
constexpr int kNice = 5;

std::int64_t unix_s(std::chrono::system_clock::time_point time) {
  return std::chrono::floor<seconds>(time.time_since_epoch()).count();
}

std::vector<std::int64_t> generations_of(const std::vector<index::Upload>& uploads) {
  std::vector<std::int64_t> generations;
  generations.reserve(uploads.size());
  for (const auto& upload : uploads) generations.push_back(upload.entry.generation);
  return generations;
}

hub::CallLimits soon(const std::stop_token& stop) {
  return {std::chrono::steady_clock::now() + kToAsk, stop};
}

}  // namespace

Publisher::Publisher(const Layer& layer, index::Index& index, hub::PushRepo& repo,
                     hub::RemoteRepo& reader, const index::UploadTarget& target, Helpers helpers,
                     PublishOptions options)
    : parts_{layer,
             index,
             repo,
             reader,
             target,
             target.endpoint + "/" + target.repo + "@" + target.branch,
             helpers.is_written,
             helpers.head_is,
             helpers.look_again,
             options.only_private,
             options.mountpoint},
      helpers_(std::move(helpers)),
      options_(std::move(options)),
      batch_size_(kFirstBatch),
      pace_(options_.commit_interval) {
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
    const auto queued = parts_.index.queue_upload(path, parts_.target, files,
                                                  unix_s(std::chrono::system_clock::now()));
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

PublishStatus Publisher::status() const {
  const auto due = parts_.index.next_due_s(parts_.target);
  const auto now = std::chrono::system_clock::now();
  const std::lock_guard lock(mutex_);
  auto status = status_;
  status.commits_in_last_hour = pace_.in_last_hour(now);
  status.full_folders = full_.names();
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
    if (!is_made) parts_.index.put_back(generations, 0, "", unix_s(now));
  }
  let_in();
  parts_.index.make_due(parts_.target);  // the clock may have been wrong when the times were set
  is_recovered_ = true;
}

std::vector<index::Upload> Publisher::due_uploads(Time now) {
  auto uploads = parts_.index.due_uploads(parts_.target, unix_s(now), {batch_size_, kMostBytes});
  keep_out(uploads);
  return uploads;
}

bool Publisher::push_due() {
  if (due_uploads(std::chrono::system_clock::now()).empty()) return false;
  check_access();
  count_commits();
  const auto now = std::chrono::system_clock::now();
  auto uploads = due_uploads(now);  // with those that have come meanwhile
  if (uploads.empty()) return false;
  {
    const std::lock_guard lock(mutex_);
    if (pace_.next(now, hurries_) > now) return false;
  }
  const auto marked = parts_.index.mark_uploading(generations_of(uploads), unix_s(now));
  std::erase_if(uploads, [&](const auto& upload) {
    return std::find(marked.begin(), marked.end(), upload.entry.generation) == marked.end();
  });
  try {
    push(uploads);
  } catch (const hub::HubError& error) {
    batch_size_ = std::max(kSmallestBatch, batch_size_ / 2);
    if (error.kind == hub::HubErrorKind::kUnknownOutcome ||
        error.kind == hub::HubErrorKind::kCancelled) {
      is_recovered_ = false;
    } else {
      put_back(uploads, error.what(), retry_after_s(uploads.front().entry.attempts));
    }
    throw;
  } catch (const std::exception& error) {
    put_back(uploads, error.what(), retry_after_s(uploads.front().entry.attempts));
    throw;
  }
  return true;
}

void Publisher::put_back(const std::vector<index::Upload>& uploads, const std::string& error,
                         std::int64_t wait_s) {
  const auto now = unix_s(std::chrono::system_clock::now());
  parts_.index.put_back(generations_of(still_uploading(uploads)), now + wait_s, error, now);
}

void Publisher::push(std::vector<index::Upload> uploads) {
  const auto begun = std::chrono::steady_clock::now();
  const bool is_whole_batch = uploads.size() >= batch_size_;
  try {
    if (const auto result = push_at_head(uploads)) finish(*result);
  } catch (const hub::HubError& error) {
    if (error.kind == hub::HubErrorKind::kFolderFull)
      push_by_folder(std::move(uploads));
    else if (error.kind == hub::HubErrorKind::kRefused)
      push_halves(std::move(uploads), error);
    else
      throw;
    return;
  }
  if (is_whole_batch && std::chrono::steady_clock::now() - begun < kQuick)
    batch_size_ = std::min(kLargestBatch, batch_size_ * 2);
}

// As the index has them now: some have failed or were changed meanwhile, and hashes are known.
std::vector<index::Upload> Publisher::still_uploading(
    const std::vector<index::Upload>& uploads) const {
  std::vector<index::Upload> left;
  for (const auto& upload : uploads) {
    auto now = parts_.index.upload(upload.entry.path);
    if (now && now->entry.generation == upload.entry.generation &&
        now->entry.state == index::UploadState::kUploading)
      left.push_back(std::move(*now));
  }
  return left;
}

// The head moves while others push: what they have pushed is looked at, and ours is made anew.
std::optional<PushResult> Publisher::push_at_head(const std::vector<index::Upload>& uploads) {
  for (int attempt = 0;; ++attempt) {
    try {
      const auto left = attempt == 0 ? uploads : still_uploading(uploads);
      return PushBatch(parts_, left, stop_.get_token()).push();
    } catch (const hub::HubError& error) {
      const bool has_moved = error.kind == hub::HubErrorKind::kHeadMoved ||
                             error.kind == hub::HubErrorKind::kEntryNotFound;
      if (!has_moved || attempt + 1 == kTries) throw;
    }
    const auto longest = kFirstJitter * (1 << attempt);
    const auto jitter =
        milliseconds(hub::random_number() % static_cast<std::uint64_t>(longest.count()));
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, jitter, [this] { return stop_.stop_requested(); });
  }
}

void Publisher::finish(const PushResult& result) {
  if (result.is_new)
    spdlog::info("published {} modules to {} as {}", result.outcome.pushed.size(),
                 parts_.target.repo, result.commit.substr(0, 12));
  {
    const std::lock_guard lock(mutex_);
    status_.state = "ok";
    status_.last_error.clear();
    hurries_ = false;
    if (result.is_new) {
      ++status_.commits;
      pace_.committed(std::chrono::system_clock::now());
    }
  }
  for (const auto& path : result.outcome.changed) parts_.look_again(path);
  for (const auto& path : result.outcome.pushed) helpers_.became_copy(path);
  parts_.index.prune_uploads(kEndedKept);
}

// Private modules must not reach a public repo, also not one that was private a moment ago.
void Publisher::check_access() {
  const auto access = parts_.repo.access(soon(stop_.get_token()));
  if (access.refusal) throw hub::HubError(*access.refusal);
  if (options_.only_private && !access.is_private) throw public_now(parts_.target.repo);
}

void Publisher::count_commits() {
  const auto now = std::chrono::system_clock::now();
  if (counted_ != Time{} && now - counted_ < kBetweenCounts) return;
  const auto since = std::chrono::floor<seconds>(now - hours(1));
  std::vector<Time> commits;
  for (const auto& commit : parts_.repo.recent_commits(since, soon(stop_.get_token())))
    commits.emplace_back(commit.date);
  counted_ = now;
  const std::lock_guard lock(mutex_);
  pace_.counted(std::move(commits));
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
