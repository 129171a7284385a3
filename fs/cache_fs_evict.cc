// Copies of a module go, and come back when they are opened.
#include <algorithm>
#include <chrono>
#include <optional>

#include "fs/answered.h"
#include "fs/cache_fs.h"
#include "fs/cache_layout.h"

namespace neffs::fs {
namespace {

constexpr std::chrono::seconds kPatience{10};

}  // namespace

// What cannot be fetched again now is worth more than the room that it takes.
std::vector<RemoteView*> CacheFs::answering_sources(const std::stop_token& stop) {
  auto views = sources_.views();
  std::erase_if(views, [&](auto* view) {
    // A commit has no head to be asked for.
    if (view->is_pinned()) return std::string_view(view->status().state) != "ok";
    return !is_answered(stop, kPatience,
                        [&](RemoteView::Done done) { view->ask_head(std::move(done)); });
  });
  return views;
}

// One that does not answer in time is not waited for again.
bool CacheFs::is_known(const std::string& path, std::vector<RemoteView*>& answering,
                       const std::stop_token& stop) {
  auto* const from = names_.source_of_copies(path);
  const auto it = std::find(answering.begin(), answering.end(), from);
  if (it == answering.end()) return false;
  if (from->peek(path) || is_answered(stop, kPatience, [&](RemoteView::Done done) {
        from->ask(path, std::move(done));
      }))
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
  const auto gone = names_.evict(path);
  for (const auto& file : gone) bytes += file.size;
  forget_gone(gone, {path});
  return bytes;
}

std::string CacheFs::drop_damaged(const index::LayerFile& file, std::vector<RemoteView*>& answering,
                                  const std::stop_token& stop) {
  const auto unit = unit_of(file.path);
  if (!is_known(file.path, answering, stop)) return "its source does not answer";
  const auto hold = placer_.hold_names();
  if (fetcher_.is_fetching(unit)) return "its module is being fetched";
  for (const auto& other : index_.layer_files_below(unit))
    if (is_in_use(other.path)) return "its module is in use";
  const auto gone = names_.drop_damaged(file);
  if (gone.empty()) return "its source does not have it as it was any more";
  forget_gone(gone, {unit});
  return "";
}

void CacheFs::verify(const VerifyOrder& order, const std::function<void(const Verification&)>& tell,
                     const std::stop_token& stop) {
  std::optional<std::vector<RemoteView*>> answering;
  std::function<std::string(const index::LayerFile&)> drop;
  if (order.repairs)
    drop = [&](const index::LayerFile& file) {
      if (!answering) answering = answering_sources(stop);
      return drop_damaged(file, *answering, stop);
    };
  tell(verify_files(layer_, index_, order.paths, drop, tell, stop));
}

// names: what else the kernel is to look up again
void CacheFs::forget_gone(const std::vector<index::LayerFile>& files,
                          std::vector<std::string> names) {
  for (const auto& file : files) {
    names.push_back(file.path);
    // Who opens it by what the kernel knows looks the name up again, and has it fetched.
    files_.let_go(nodes_.outdate(file.path));
    for (std::string up(parent_path(file.path)); !up.empty() && !layer_.stat(up);
         up = parent_path(up))
      nodes_.outdate(up);
    tell_changed(file.path);
  }
  forget_in_kernel(names);
}

}  // namespace neffs::fs
