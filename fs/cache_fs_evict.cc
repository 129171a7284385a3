// Copies of a module go, and come back when they are opened.
#include <algorithm>
#include <chrono>
#include <future>
#include <memory>

#include "fs/cache_fs.h"

namespace neffs::fs {
namespace {

constexpr std::chrono::seconds kPatience{10};

// Waits for an answer; false if there was none, or none in time.
bool is_answered(const std::function<void(RemoteView::Done)>& ask) {
  const auto answer = std::make_shared<std::promise<bool>>();
  auto is_good = answer->get_future();
  ask([answer](const std::exception_ptr& error) { answer->set_value(!error); });
  return is_good.wait_for(kPatience) == std::future_status::ready && is_good.get();
}

}  // namespace

// What cannot be fetched again now is worth more than the room that it takes.
std::vector<RemoteView*> CacheFs::answering_sources() {
  std::vector<RemoteView*> answering;
  for (auto* view : sources_.views())
    if (view->is_pinned() ||
        is_answered([&](RemoteView::Done done) { view->ask_head(std::move(done)); }))
      answering.push_back(view);
  return answering;
}

bool CacheFs::is_known(RemoteView& from, const std::string& path) {
  return from.peek(path) ||
         is_answered([&](RemoteView::Done done) { from.ask(path, std::move(done)); });
}

bool CacheFs::is_in_use(const std::string& path) const {
  const auto node = nodes_.find(path);
  return node != 0 && files_.is_open(node);
}

std::uint64_t CacheFs::evict(const std::string& path, const std::vector<RemoteView*>& answering) {
  auto* from = names_.source_of_copies(path);
  if (std::find(answering.begin(), answering.end(), from) == answering.end()) return 0;
  if (!is_known(*from, path) || fetcher_.is_fetching(path)) return 0;
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
