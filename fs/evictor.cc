#include "fs/evictor.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <exception>
#include <map>
#include <stdexcept>
#include <utility>

#include <spdlog/spdlog.h>

#include "fs/cache_layout.h"
#include "fs/last_use.h"

namespace neffs::fs {
namespace {

using std::chrono::seconds;

constexpr seconds kPeriod{5};
// What is left is in use, was used a moment ago, or its source cannot be asked.
constexpr seconds kRest{30};
constexpr std::chrono::minutes kSpared{2};
// Of who lacks room: he waits for a source to be asked, and for files to be removed.
constexpr seconds kPatience{10};
constexpr int kNice = 10;
// A little more goes than has to, so that the next fetch does not begin it anew.
constexpr std::uint64_t kSpare = 20;  // a twentieth

bool was_used_lately(const EvictionUnit& unit) {
  const auto since = std::chrono::system_clock::now() - kSpared;
  return std::chrono::nanoseconds(unit.used_ns) > since.time_since_epoch();
}

}  // namespace

std::vector<EvictionUnit> copies_by_use(const Layer& layer, index::Index& index,
                                        const std::string& path) {
  std::map<std::string, EvictionUnit> units;
  for (const auto& file : index.layer_files_below(path)) {
    if (file.origin != index::Origin::kCopy || file.placement != index::Placement::kPlaced)
      continue;
    auto& unit = units[unit_of(file.path)];
    unit.bytes += file.size;
    if (const auto st = layer.stat(file.path)) unit.used_ns = std::max(unit.used_ns, used_ns(*st));
  }
  std::vector<EvictionUnit> sorted;
  for (auto& [name, unit] : units) {
    unit.path = name;
    sorted.push_back(std::move(unit));
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& one, const auto& other) { return one.used_ns < other.used_ns; });
  return sorted;
}

Evictor::Evictor(const Layer& layer, index::Index& index, EvictOptions options, Helpers helpers)
    : layer_(layer), index_(index), helpers_(std::move(helpers)), options_(options) {}

void Evictor::start() {
  const std::lock_guard lock(mutex_);
  is_started_ = true;
  thread_ = std::thread([this] { run(); });
}

void Evictor::stop() {
  stop_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void Evictor::evict(Order order) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_started_) throw std::runtime_error("this mount is read-only or offline");
    order_ = std::move(order);
    status_ = {true, 0, 0, 0};
  }
  wake_.notify_all();
}

EvictOptions Evictor::options() const {
  const std::lock_guard lock(mutex_);
  return options_;
}

void Evictor::set_options(EvictOptions options) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(options_, options) == options) return;
    is_changed_ = true;
  }
  wake_.notify_all();
}

Evictor::Status Evictor::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

bool Evictor::make_room_for(std::uint64_t bytes) {
  std::unique_lock lock(mutex_);
  if (!is_started_) return false;
  lacking_ += std::max<std::uint64_t>(bytes, 1);
  const auto round = rounds_;
  wake_.notify_all();
  const bool is_over = wake_.wait_for(lock, stop_.get_token(), kPatience,
                                      [this, round] { return rounds_ != round; });
  return is_over && freed_by_round_ > 0;
}

// How many bytes have to go; 0 if there is room.
std::uint64_t Evictor::excess() const {
  const auto wanted = options();
  std::uint64_t bytes = 0;
  if (wanted.cache_size) {
    const auto held = index_.copy_totals().bytes;
    if (held > *wanted.cache_size) bytes = held - *wanted.cache_size + *wanted.cache_size / kSpare;
  }
  struct statvfs disk {};
  if (::fstatvfs(layer_.root_fd(), &disk) != 0) throw_errno("statvfs");
  const auto free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  const auto least = wanted.min_free.value_or(std::uint64_t{disk.f_blocks} * disk.f_frsize / 10);
  if (free < least) bytes = std::max(bytes, least - free + least / kSpare);
  return bytes;
}

void Evictor::make_room() {
  const auto now = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(is_changed_, false)) tired_ = {};
  }
  if (now < tired_) return;
  const auto bytes = excess();
  if (bytes == 0) return;
  auto units = copies_by_use(layer_, index_, "");
  std::erase_if(units, [this](const EvictionUnit& unit) {
    return was_used_lately(unit) || helpers_.is_pinned(unit.path);
  });
  const auto done = remove(units, bytes);
  if (done.bytes > 0)
    spdlog::info("{} modules with {} bytes were removed to make room", done.modules, done.bytes);
  if (done.bytes < bytes) tired_ = now + kRest;
}

Evictor::Status Evictor::remove(const std::vector<EvictionUnit>& units, std::uint64_t bytes) {
  Status done;
  if (!units.empty()) helpers_.ask_sources(stop_.get_token());
  for (const auto& unit : units) {
    if (stop_.stop_requested() || done.bytes >= bytes) break;
    const auto freed = evict(unit);
    done.bytes += freed;
    if (freed > 0)
      ++done.modules;
    else if (unit.bytes > 0)
      ++done.kept;
  }
  return done;
}

// One that cannot be removed holds up no other.
std::uint64_t Evictor::evict(const EvictionUnit& unit) {
  try {
    return helpers_.evict(unit.path, stop_.get_token());
  } catch (const std::exception& error) {
    spdlog::warn("{} stays: {}", unit.path, error.what());
    return 0;
  }
}

// --- the thread -----------------------------------------------------------------------------------

void Evictor::run() {
  ::pthread_setname_np(::pthread_self(), "neffs-evict");
  ::setpriority(PRIO_PROCESS, 0, kNice);  // of this thread alone
  while (!stop_.stop_requested()) {
    try {
      if (const auto order = wait())
        follow(*order);
      else if (!stop_.stop_requested())
        make_room();
    } catch (const std::exception& error) {
      spdlog::warn("no room is made for now: {}", error.what());
      const std::lock_guard lock(mutex_);
      status_.is_busy = order_.has_value();
    }
    help_who_lacks_room();
  }
}

std::optional<Evictor::Order> Evictor::wait() {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, stop_.get_token(), kPeriod,
                 [this] { return order_.has_value() || lacking_ > 0 || is_changed_; });
  return std::exchange(order_, std::nullopt);
}

// Also where nothing could be done: who waits is told.
void Evictor::help_who_lacks_room() {
  std::uint64_t lacking = 0;
  {
    const std::lock_guard lock(mutex_);
    lacking = std::exchange(lacking_, 0);
  }
  if (lacking == 0) return;
  Status done;
  try {
    auto units = copies_by_use(layer_, index_, "");
    std::stable_partition(units.begin(), units.end(), [this](const EvictionUnit& unit) {
      return !helpers_.is_pinned(unit.path);
    });
    done = remove(units, lacking);
  } catch (const std::exception& error) {
    spdlog::warn("no room is made for now: {}", error.what());
  }
  if (done.bytes > 0)
    spdlog::info("{} modules with {} bytes were removed for who had no room", done.modules,
                 done.bytes);
  {
    const std::lock_guard lock(mutex_);
    ++rounds_;
    freed_by_round_ = done.bytes;
  }
  wake_.notify_all();
}

void Evictor::follow(const Order& order) {
  Status done;
  if (order.to) {
    const auto held = index_.copy_totals().bytes;
    if (held > *order.to) {
      auto units = copies_by_use(layer_, index_, "");
      std::erase_if(units,
                    [this](const EvictionUnit& unit) { return helpers_.is_pinned(unit.path); });
      done = remove(units, held - *order.to);
    }
  }
  for (const auto& path : order.paths) {
    const auto some = remove(copies_by_use(layer_, index_, path), UINT64_MAX);
    done.modules += some.modules;
    done.bytes += some.bytes;
    done.kept += some.kept;
  }
  const std::lock_guard lock(mutex_);
  if (order_) return;  // that one's turn has come
  status_ = done;
}

}  // namespace neffs::fs
