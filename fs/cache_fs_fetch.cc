// Fetching what somebody opens or changes, and what belongs to it.
#include <cerrno>
#include <system_error>
#include <utility>

#include <spdlog/spdlog.h>

#include "fs/cache_fs.h"

namespace neffs::fs {

// The module stays with the source that its first file is ordered from.
std::optional<FetchOrder> CacheFs::order(const std::string& path, const RemoteName& remote,
                                         RemoteView& from) {
  FetchOrder order;
  order.repo = &from.repo();
  order.source = from.name().text();
  order.path = path;
  order.size = remote.size;
  order.content = remote.content;
  order.commit = from.commit();
  order.mtime_s = from.commit_time_s();
  const auto at = locate(path);
  if (at.place == Place::kInsideModule) {
    if (names_.take_from(at.module, from) != &from) return std::nullopt;
    order.module = std::string(at.module);
    order.listing = from.peek_module(at.module);
    if (!order.listing) return std::nullopt;
  }
  // The branch may have moved since the caller looked.
  const auto now = from.peek(path);
  if (!now || now->kind != RemoteName::Kind::kFile || now->content != remote.content)
    return std::nullopt;
  return order;
}

void CacheFs::fetch(NodeId node, const std::string& path, const Shown& remote, int flags,
                    WaitId wait, const ReplyPtr<Opened>& reply) {
  auto wanted = order(path, remote.name, *remote.from);
  if (!wanted) {
    if (waits_.settle(wait))
      reply->failed(
          std::make_exception_ptr(std::system_error(ESTALE, std::generic_category(), "open")));
    return;
  }
  fetcher_.fetch(std::move(*wanted), Urgency::kDemand,
                 [this, node, path, flags, wait, reply](const auto& file, const auto& error) {
                   if (error) names_.reconsider(path);
                   if (!waits_.settle(wait)) return;
                   try {
                     if (error) std::rethrow_exception(error);
                     reply->ok(attach(node, path, *file, flags));
                   } catch (...) {
                     ++counters_.errors;
                     reply->failed(std::current_exception());
                   }
                 });
  fetch_bundle(path);
}

// One after the other.
void CacheFs::fetch_into_layer(std::vector<std::string> paths,
                               const std::function<void(std::exception_ptr)>& done) {
  if (paths.empty()) {
    done(nullptr);
    return;
  }
  const auto path = std::move(paths.front());
  paths.erase(paths.begin());
  const auto found = names_.find(path);
  if (found.kind == Found::Kind::kLocal) {
    fetch_into_layer(std::move(paths), done);
    return;
  }
  auto wanted = found.kind == Found::Kind::kRemote ? order(path, found.remote, *found.from)
                                                   : std::optional<FetchOrder>();
  if (!wanted) throw_errno(ESTALE, "fetch");  // it has just come or gone; the kernel looks again
  fetcher_.fetch(std::move(*wanted), Urgency::kDemand,
                 [this, path, paths, done](const auto& /*file*/, const std::exception_ptr& error) {
                   try {
                     if (error) std::rethrow_exception(error);
                     placer_.give_name(path);
                     fetch_into_layer(paths, done);
                   } catch (...) {
                     done(std::current_exception());
                   }
                 });
}

// The first open inside a module starts the other files that a hit reads. Nobody waits for them, so
// what goes wrong is met by who opens them.
void CacheFs::fetch_bundle(const std::string& path) try {
  const auto at = locate(path);
  if (at.place != Place::kInsideModule) return;
  const auto [listing, from] = names_.remote_module(at.module);
  if (!listing) return;
  for (const auto& inside : listing->plan.hit_files) {
    const auto other = join_path(at.module, inside);
    if (other == path || layer_.stat(other) || placer_.staged(other)) continue;
    if (auto wanted = order(other, listing->names.at(inside), *from))
      fetcher_.fetch(std::move(*wanted), Urgency::kAhead,
                     [this, other](const auto& /*file*/, const auto& error) {
                       if (error) names_.reconsider(other);
                     });
  }
} catch (const std::exception& error) {
  spdlog::debug("{}: nothing is fetched ahead: {}", path, error.what());
}

}  // namespace neffs::fs
