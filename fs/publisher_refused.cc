// What becomes of a commit that the Hub refuses: as much of it as can be is sent in parts, the rest is
// noted.
#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "fs/publisher.h"
#include "fs/push_limits.h"
#include "fs/unix_time.h"

namespace neffs::fs {

// The Hub will not have one of them, and does not say which.
void Publisher::push_halves(std::vector<index::Upload> uploads, const hub::HubError& refusal) {
  uploads = still_uploading(uploads);
  if (uploads.empty()) return;
  if (uploads.size() == 1) {
    const auto& entry = uploads.front().entry;
    spdlog::error("{} cannot be published: {}", entry.path, refusal.what());
    parts_.index.fail_upload(entry.generation, refusal.what(), now_s());
    return;
  }
  const auto middle = uploads.begin() + static_cast<std::ptrdiff_t>(uploads.size() / 2);
  const std::vector<index::Upload> rest(middle, uploads.end());
  uploads.erase(middle, uploads.end());
  push(std::move(uploads));
  push(rest);
}

// --- full folders ---------------------------------------------------------------------------------

// One of their folders has no room, and there may be some left in the others.
void Publisher::push_by_folder(std::vector<index::Upload> uploads) {
  uploads = still_uploading(uploads);
  if (uploads.size() == 1) {
    const auto folder = folder_of(uploads.front());
    spdlog::warn("{}", folder_full_text(folder, parts_.target.repo));
    {
      const std::lock_guard lock(mutex_);
      full_.add(folder, std::chrono::system_clock::now());
    }
    keep_out(uploads);
    return;
  }
  for (auto& part : parts_by_folder(uploads)) {
    keep_out(part);
    if (!part.empty()) push(std::move(part));
  }
}

// What would go to a full folder fails, without asking the Hub, and leaves `uploads`.
void Publisher::keep_out(std::vector<index::Upload>& uploads) {
  std::vector<index::Upload> kept;
  {
    const std::lock_guard lock(mutex_);
    const auto first = std::stable_partition(
        uploads.begin(), uploads.end(),
        [this](const auto& upload) { return !full_.concern(upload.entry.path); });
    std::move(first, uploads.end(), std::back_inserter(kept));
    uploads.erase(first, uploads.end());
  }
  if (kept.empty()) return;
  for (const auto& upload : kept)
    parts_.index.fail_upload(upload.entry.generation,
                             folder_full_text(folder_of(upload), parts_.target.repo), now_s());
  let_in();  // hurry() may have been called in between
}

// What was kept out is queued again, but for what still is to be.
void Publisher::let_in() {
  std::vector<std::int64_t> generations;
  for (const auto& entry : parts_.index.open_uploads(parts_.target)) {
    if (!is_kept_out(entry)) continue;
    const std::lock_guard lock(mutex_);
    if (!full_.concern(entry.path)) generations.push_back(entry.generation);
  }
  if (!generations.empty()) parts_.index.put_back(generations, 0, "", now_s());
}

// Somebody may have made room since. True if there was something to be tried again.
bool Publisher::let_in_due(Time now) {
  {
    const std::lock_guard lock(mutex_);
    if (full_.take_due(now).empty()) return false;
  }
  let_in();
  return true;
}

}  // namespace neffs::fs
