// Copies of a module go, and come back when they are opened.
#include <chrono>
#include <future>
#include <memory>

#include "fs/cache_fs.h"

namespace neffs::fs {
namespace {

constexpr std::chrono::seconds kHeadIsFresh{60};
constexpr std::chrono::seconds kPatience{10};

// Waits for an answer; false if there was none, or none in time.
bool is_answered(const std::function<void(RemoteView::Done)>& ask) {
  const auto answer = std::make_shared<std::promise<bool>>();
  auto is_good = answer->get_future();
  ask([answer](const std::exception_ptr& error) { answer->set_value(!error); });
  return is_good.wait_for(kPatience) == std::future_status::ready && is_good.get();
}

}  // namespace

// What cannot be fetched again this minute is worth more than the room that it takes.
bool CacheFs::is_still_there(RemoteView& from, const std::string& path) {
  if (!from.is_fresh(kHeadIsFresh) &&
      !is_answered([&](RemoteView::Done done) { from.ask_head(std::move(done)); }))
    return false;
  return from.peek(path) ||
         is_answered([&](RemoteView::Done done) { from.ask(path, std::move(done)); });
}

bool CacheFs::is_in_use(const std::string& path) const {
  const auto node = nodes_.find(path);
  return node != 0 && files_.is_open(node);
}

std::uint64_t CacheFs::evict(const std::string& path) {
  auto* from = names_.source_of_copies(path);
  if (from == nullptr || !is_still_there(*from, path) || fetcher_.is_fetching(path)) return 0;
  for (const auto& file : index_.layer_files_below(path))
    if (is_in_use(file.path)) return 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> gone{path};
  for (const auto& file : names_.evict(path)) {
    bytes += file.size;
    gone.push_back(file.path);
    // Who opens it by what the kernel knows looks the name up again, and has it fetched.
    files_.let_go(nodes_.outdate(file.path));
    tell_changed(file.path);
  }
  forget_in_kernel(gone);
  return bytes;
}

}  // namespace neffs::fs
