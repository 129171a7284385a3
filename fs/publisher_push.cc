// One push: from what is due to what became of it.
#include <algorithm>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include <spdlog/spdlog.h>

#include "fs/publisher.h"
#include "fs/push_limits.h"
#include "fs/remote_module.h"
#include "fs/unix_time.h"

namespace neffs::fs {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint64_t kSmallestBatch = 10;
constexpr std::uint64_t kLargestBatch = 400;
constexpr seconds kQuick{40};
constexpr std::uint64_t kMostBytes = std::uint64_t{16} << 30;
// A head that moves all the time is met again later.
constexpr int kTries = 6;
constexpr milliseconds kFirstJitter{200};
constexpr seconds kToLook{30};
constexpr minutes kBetweenCounts{5};
constexpr std::uint64_t kEndedKept = 1000;

std::vector<std::int64_t> generations_of(const std::vector<index::Upload>& uploads) {
  std::vector<std::int64_t> generations;
  generations.reserve(uploads.size());
  for (const auto& upload : uploads) generations.push_back(upload.entry.generation);
  return generations;
}

}  // namespace

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
  const auto now = now_s();
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
  pushed_ += result.outcome.pushed.size();
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
  const auto access = parts_.repo.access(within(kToLook, stop_.get_token()));
  if (access.refusal) throw hub::HubError(*access.refusal);
  if (parts_.only_private && !access.is_private) throw public_now(parts_.target.repo);
}

void Publisher::count_commits() {
  const auto now = std::chrono::system_clock::now();
  if (counted_ != Time{} && now - counted_ < kBetweenCounts) return;
  const auto since = std::chrono::floor<seconds>(now - hours(1));
  std::vector<Time> commits;
  for (const auto& commit : parts_.repo.recent_commits(since, within(kToLook, stop_.get_token())))
    commits.emplace_back(commit.date);
  counted_ = now;
  const std::lock_guard lock(mutex_);
  pace_.counted(std::move(commits));
}

}  // namespace neffs::fs
