// Copies of a module go, and come back when they are opened.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

#include "fs/cache_fs.h"

namespace neffs::fs {
namespace {

constexpr std::chrono::seconds kPatience{10};

struct Answer {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::optional<bool> is_good;  // protected by mutex
};

// Waits for an answer; false if there was none, none in time, or if it is to stop.
bool is_answered(const std::stop_token& stop, const std::function<void(RemoteView::Done)>& ask) {
  const auto answer = std::make_shared<Answer>();
  ask([answer](const std::exception_ptr& error) {
    const std::lock_guard lock(answer->mutex);
    answer->is_good = !error;
    answer->wake.notify_all();
  });
  std::unique_lock lock(answer->mutex);
  answer->wake.wait_for(lock, stop, kPatience, [&] { return answer->is_good.has_value(); });
  return answer->is_good.value_or(false);
}

}  // namespace

// What cannot be fetched again now is worth more than the room that it takes.
std::vector<RemoteView*> CacheFs::answering_sources(const std::stop_token& stop) {
  auto views = sources_.views();
  std::erase_if(views, [&](auto* view) {
    // A commit has no head to be asked for.
    if (view->is_pinned()) return std::string_view(view->status().state) != "ok";
    return !is_answered(stop, [&](RemoteView::Done done) { view->ask_head(std::move(done)); });
  });
  return views;
}

// One that does not answer in time is not waited for again.
bool CacheFs::is_known(const std::string& path, std::vector<RemoteView*>& answering,
                       const std::stop_token& stop) {
  auto* const from = names_.source_of_copies(path);
  const auto it = std::find(answering.begin(), answering.end(), from);
  if (it == answering.end()) return false;
  if (from->peek(path) ||
      is_answered(stop, [&](RemoteView::Done done) { from->ask(path, std::move(done)); }))
    return true;
  answering.erase(it);
  return false;
}

bool CacheFs::is_in_use(const std::string& path) const {
  const auto node = nodes_.find(path);
  return node != 0 && files_.is_open(node);
}

std::uint64_t CacheFs::evict(const std::string& path, std::vector<RemoteView*>& answering,
                             const std::stop_token& stop) {
  const bool may_go = is_known(path, answering, stop);
  const auto hold = placer_.hold_names();  // or its mark could come back before the last of it goes
  if (fetcher_.is_fetching(path)) return 0;
  auto bytes = names_.forget_vanished(path);
  if (!may_go) return bytes;
  for (const auto& file : index_.layer_files_below(path))
    if (is_in_use(file.path)) return bytes;
  std::vector<std::string> gone{path};
  for (const auto& file : names_.evict(path)) {
    bytes += file.size;
    gone.push_back(file.path);
    // Who opens it by what the kernel knows looks the name up again, and has it fetched.
    files_.let_go(nodes_.outdate(file.path));
    for (std::string up(parent_path(file.path)); !up.empty() && !layer_.stat(up);
         up = parent_path(up))
      nodes_.outdate(up);
    tell_changed(file.path);
  }
  forget_in_kernel(gone);
  return bytes;
}

}  // namespace neffs::fs
