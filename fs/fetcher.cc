#include "fs/fetcher.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <system_error>
#include <utility>

#include <spdlog/spdlog.h>

#include "hub/hub_error.h"

namespace neffs::fs {
namespace {

std::exception_ptr cancelled() {
  return std::make_exception_ptr(
      hub::HubError(hub::HubErrorKind::kCancelled, "neffs is shutting down"));
}

bool means_full(const std::exception_ptr& error) {
  const auto is_full = [](int value) { return value == ENOSPC || value == EDQUOT; };
  try {
    std::rethrow_exception(error);
  } catch (const hub::HubError& failure) {
    return failure.kind == hub::HubErrorKind::kLocal && is_full(failure.local_errno);
  } catch (const std::system_error& failure) {
    return is_full(failure.code().value());
  } catch (...) {
    return false;
  }
}

}  // namespace

Fetcher::Fetcher(const Layer& layer, UniqueFd partial, index::Index& index, WorkerPool& pool,
                 FetchOptions options, NamingRules rules)
    : layer_(layer),
      index_(index),
      pool_(pool),
      options_(options),
      idle_timeout_(options.idle_timeout),
      placer_(layer, std::move(partial), index, options, std::move(rules)) {}

bool Fetcher::is_fetching(const std::string& path) const {
  {
    const std::lock_guard lock(mutex_);
    if (std::any_of(flights_.begin(), flights_.end(),
                    [&](const auto& one) { return one.second.order.is_of(path); }))
      return true;
  }
  return placer_.is_staged(path);  // in this order: it is staged before its flight ends
}

void Fetcher::stop() {
  stop_.request_stop();
  std::vector<Done> waiting;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [path, flight] : flights_) {
      std::move(flight.waiting.begin(), flight.waiting.end(), std::back_inserter(waiting));
      flight.waiting.clear();
    }
  }
  for (auto& done : waiting) done(nullptr, cancelled());
}

void Fetcher::fetch(FetchOrder order, Urgency urgency, Done done) {
  if (const auto ready = placer_.staged_as(order)) {
    done(ready, nullptr);
    return;
  }
  const std::string key = order.path + '\n' + order.content.hex;
  {
    const std::lock_guard lock(mutex_);
    auto& flight = flights_[key];
    if (flight.waiting.empty()) flight.order = std::move(order);
    flight.waiting.push_back(std::move(done));
    if (flight.started) return;
  }
  // A file that was wanted soon and is waited for now is queued a second time; the first job wins.
  if (!pool_.submit(urgency, [this, key] { run(key); })) finish(key, nullptr, cancelled());
}

void Fetcher::run(const std::string& key) {
  FetchOrder order;
  {
    const std::lock_guard lock(mutex_);
    const auto it = flights_.find(key);
    if (it == flights_.end() || it->second.started) return;
    it->second.started = true;
    order = it->second.order;
  }
  ++counters_.in_flight;
  std::shared_ptr<const FetchedFile> file;
  std::exception_ptr error;
  bool is_new = false;
  try {
    file = placer_.staged_as(order);  // or it came between the look and the flight
    if (!file) file = already_there(order);
    if (!file) {
      auto fresh = download_with_room(order);
      file = fresh.file;
      is_new = true;
      placer_.stage(std::move(fresh));
    }
  } catch (...) {
    error = std::current_exception();
    ++counters_.errors;
  }
  --counters_.in_flight;
  finish(key, file, error);
  if (!is_new) return;
  try {
    if (::fdatasync(file->fd.get()) != 0) throw_errno("sync");  // others place theirs meanwhile
    placer_.place_what_is_ready(order);
  } catch (const std::exception& failure) {
    // The bytes are served as they are; the next file of the module tries again.
    spdlog::warn("{} was fetched but could not be kept: {}", order.path, failure.what());
  }
}

void Fetcher::finish(const std::string& key, const std::shared_ptr<const FetchedFile>& file,
                     const std::exception_ptr& error) {
  std::vector<Done> waiting;
  {
    const std::lock_guard lock(mutex_);
    const auto it = flights_.find(key);
    if (it == flights_.end()) return;
    waiting = std::move(it->second.waiting);
    flights_.erase(it);
  }
  for (auto& done : waiting) done(file, error);
}

// A reader may have looked for the file right before it got its name.
std::shared_ptr<const FetchedFile> Fetcher::already_there(const FetchOrder& order) const {
  const auto record = index_.layer_file(order.path);
  if (!record || record->placement != index::Placement::kPlaced ||
      record->content != order.content.text())
    return nullptr;
  const auto st = layer_.stat(order.path);
  if (!st || static_cast<std::uint64_t>(st->st_size) != record->size ||
      mtime_ns(*st) != record->mtime_ns)
    return nullptr;
  auto file = std::make_shared<FetchedFile>();
  file->fd = layer_.open(order.path, O_RDWR);
  file->id = layer_id(*st);
  return file;
}

StagedFile Fetcher::download_with_room(const FetchOrder& order) {
  try {
    return download(order);
  } catch (...) {
    if (!means_full(std::current_exception()) || !make_room_ || !make_room_(order.size)) throw;
  }
  return download(order);
}

StagedFile Fetcher::download(const FetchOrder& order) {
  auto [fd, name] = placer_.create();
  try {
    hub::DownloadRequest request;
    request.commit = order.commit;
    request.path = order.path;
    request.size = order.size;
    request.content = order.content;
    request.idle_timeout = idle_timeout_;
    request.stop = stop_.get_token();
    order.repo->download(request, fd.get());
    if (::fchown(fd.get(), options_.uid, options_.gid) != 0) throw_errno("chown");
    if (::fchmod(fd.get(), options_.file_mode) != 0) throw_errno("chmod");
    const std::array<timespec, 2> times{{{0, UTIME_NOW}, {order.mtime_s, 0}}};
    if (::futimens(fd.get(), times.data()) != 0) throw_errno("utimens");
    const auto id = layer_id(stat_of(fd.get()));
    ++counters_.fetched;
    counters_.bytes += order.size;
    return {order, std::make_shared<const FetchedFile>(FetchedFile{std::move(fd), id}), name};
  } catch (...) {
    placer_.discard(name);
    throw;
  }
}

}  // namespace neffs::fs
