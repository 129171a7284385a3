#include "fs/housekeeper.h"

#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

#include <spdlog/spdlog.h>

namespace neffs::fs {
namespace {

// How often it is looked whether the creators of locks are still there, and tried again to remove
// what was open.
constexpr std::chrono::seconds kPeriod{2};
// Less than commands wait for the daemon.
constexpr std::chrono::seconds kPatience{4};
// Changes come in bursts, a file or two of a module after the other: one look is enough for all.
constexpr std::chrono::milliseconds kBurst{50};
constexpr int kNice = 10;

std::int64_t age_s(std::chrono::system_clock::time_point since) {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now() - since).count();
}

bool is_module(const LocalModule& module) {
  return module.publishing.piece != Piece::kRegistry;
}

std::optional<PublishedCache> published_cache(const KeepOptions& options,
                                              const ProcessTable& processes) {
  if (!options.publishes) return std::nullopt;
  return PublishedCache{options.mountpoint, processes.booted_s()};
}

template <typename Due>
Due earlier(Due one, Due other) {
  if (!one || !other) return one ? one : other;
  return std::min(one, other);
}

}  // namespace

Housekeeper::Housekeeper(const Layer& layer, index::Index& index, ProcessTable processes,
                         KeepOptions options, Remove remove)
    : layer_(layer),
      index_(index),
      options_(std::move(options)),
      remove_(std::move(remove)),
      tracker_(layer, index, published_cache(options_, processes)),
      locks_(layer, index, std::move(processes)),
      settling_(options_.settle) {}

Housekeeper::~Housekeeper() {
  stop();
}

void Housekeeper::start() {
  thread_ = std::thread([this] { run(); });
}

void Housekeeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
    jobs_.clear();
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

// --- what the filesystem tells ---------------------------------------------------------------------

void Housekeeper::lock_made(const std::string& path, const Caller& caller) {
  locks_.made(path, caller);
  tracker_.changed(path);
  wake();
}

void Housekeeper::changed(const std::string& path) {
  locks_.changed(path);
  if (tracker_.changed(path)) wake();
}

void Housekeeper::moved(const std::string& from, const std::string& to) {
  locks_.moved(from, to);
  const bool was_module = tracker_.changed(from);
  if (tracker_.changed(to) || was_module) wake();
}

// --- what others ask -------------------------------------------------------------------------------

std::vector<ModuleTracker::Entry> Housekeeper::held() const {
  return tracker_.list(
      [](const LocalModule& module) { return is_module(module) && is_held(module); });
}

std::vector<FailedModule> Housekeeper::failures() const {
  std::vector<FailedModule> failures;
  const auto has_failed = [](const LocalModule& module) { return module.failure.has_value(); };
  for (const auto& entry : tracker_.list(has_failed))
    failures.push_back({entry.path, *entry.module.failure});
  return failures;
}

// The thread does it, and is waited for.
template <typename Work>
auto Housekeeper::in_thread(Work work) {
  using Result = decltype(work());
  const auto job = std::make_shared<std::packaged_task<Result()>>(std::move(work));
  auto result = job->get_future();
  {
    const std::lock_guard lock(mutex_);
    if (is_stopped_) throw std::runtime_error("the mount is about to end");
    jobs_.emplace_back([job] { (*job)(); });
  }
  wake_.notify_all();
  if (result.wait_for(kPatience) != std::future_status::ready)
    throw std::runtime_error("the layer is slow, it will be done in a while");
  return result.get();
}

Housekeeper::Cleared Housekeeper::clear_stale_locks() {
  return in_thread([this] { return remove_locks(is_stale); });
}

std::vector<std::string> Housekeeper::adopt_held() {
  return in_thread([this] { return adopt_all(); });
}

// --- the thread ------------------------------------------------------------------------------------

void Housekeeper::run() {
  ::pthread_setname_np(::pthread_self(), "neffs-keep");
  ::setpriority(PRIO_PROCESS, 0, kNice);  // of this thread alone
  const auto look_at_locks = [this] {
    locks_due_ = Clock::now() + kPeriod;  // if it fails
    goes_well([this] { locks_due_ = remove_stale_locks(); });
  };
  const auto look_at_failures = [this] {
    failures_due_ = Clock::now() + kPeriod;
    goes_well([this] { failures_due_ = expire_failures(); });
  };
  look_at_locks();
  goes_well([this] { tracker_.begin_scan(); });
  bool is_told = false;
  while (!is_stopped()) {
    const auto told = told_.load();
    run_jobs();
    const auto now = Clock::now();
    if (locks_due_ && *locks_due_ <= now) look_at_locks();
    if (options_.stale_locks == StaleLocks::kClear && !locks_due_ && !locks_.is_empty())
      locks_due_ = now + kPeriod;
    if (retry_due_ && *retry_due_ <= now) {
      retry_due_.reset();
      tracker_.try_again();
    }
    look_at_due();
    if (step()) continue;
    seen_ = told;
    if (!std::exchange(is_told, true)) tell_counts();
    if (failures_due_ && *failures_due_ <= now) look_at_failures();
    wait(earlier(earlier(locks_due_, failures_due_), earlier(retry_due_, settling_.next_due())));
  }
}

// Whatever goes wrong, the thread goes on, and the mount with it. False if it did; the log hears aloud
// of the first time only, as there may be one for every module.
bool Housekeeper::goes_well(const std::function<void()>& work) {
  std::string failure = "unknown";
  try {
    work();
    return true;
  } catch (const std::exception& error) {
    failure = error.what();
  } catch (...) {  // logged below
  }
  const auto level = std::exchange(has_warned_, true) ? spdlog::level::debug : spdlog::level::warn;
  spdlog::log(level, "a part of the layer cannot be looked after: {}", failure);
  return false;
}

bool Housekeeper::is_stopped() {
  const std::lock_guard lock(mutex_);
  return is_stopped_;
}

void Housekeeper::run_jobs() {
  std::deque<std::function<void()>> jobs;
  {
    const std::lock_guard lock(mutex_);
    jobs.swap(jobs_);
  }
  for (auto& job : jobs) job();
}

// False if there was nothing to look at.
bool Housekeeper::step() {
  bool is_idle = false;
  const bool is_well = goes_well([&] {
    const auto step = tracker_.step();
    is_idle = !step;
    if (step) look_at(*step);
  });
  if (!is_well) retry_due_ = Clock::now() + kPeriod;
  return !is_idle;
}

void Housekeeper::look_at(const ModuleTracker::Step& step) {
  settle(step, !step.is_of_scan);
  if (!step.now) return;
  if (step.now->failure && options_.failures) failures_due_ = Clock::now();
  if (options_.adopts && step.is_of_scan && is_held(*step.now)) adopt(step.module);
}

void Housekeeper::tell_counts() {
  const auto modules = tracker_.list(is_module).size();
  spdlog::info("modules of its own in the layer: {}, held: {}", modules, held().size());
}

// Nothing is due again unless a lock may still go.
Housekeeper::Due Housekeeper::remove_stale_locks() {
  if (options_.stale_locks == StaleLocks::kKeep) return std::nullopt;
  const auto cleared = remove_locks(
      [this](const OwnedLock& lock) { return may_remove(options_.stale_locks, lock.life); });
  const bool is_clearing = options_.stale_locks == StaleLocks::kClear;
  const bool goes_on = is_clearing ? !locks_.is_empty() : !cleared.in_use.empty();
  return goes_on ? Due(Clock::now() + kPeriod) : std::nullopt;
}

Housekeeper::Cleared Housekeeper::remove_locks(const std::function<bool(const OwnedLock&)>& which) {
  Cleared cleared;
  for (const auto& lock : locks_.list()) {
    if (!which(lock)) continue;
    const auto& path = lock.record.path;
    const auto now = locks_.list(path);
    if (now.empty() || now.front().record != lock.record) continue;  // somebody else's by now
    if (!remove(path, lock.id)) {
      cleared.in_use.push_back(lock);
      continue;
    }
    spdlog::info("removed the stale lock {}: process {}, which made it {} s ago, is gone{}", path,
                 lock.record.process,
                 age_s(std::chrono::sys_seconds(std::chrono::seconds(lock.record.taken_s))),
                 lock.life == Life::kEarlierBoot ? " since an earlier boot" : "");
    changed(path);
    cleared.removed.push_back(lock);
  }
  return cleared;
}

bool Housekeeper::remove(const std::string& path, LayerId id) {
  try {
    return remove_(path, id);
  } catch (const std::exception& error) {
    spdlog::warn("{} cannot be removed: {}", path, error.what());
    return false;
  }
}

Housekeeper::Due Housekeeper::expire_failures() {
  Due next;
  for (const auto& failed : failures()) {
    const auto left =
        time_left(failed.failure.at, *options_.failures, std::chrono::system_clock::now());
    bool is_done = false;
    if (left.count() > 0)
      next = earlier(next, Due(Clock::now() + left));
    else if (!goes_well([&] { is_done = expire(failed.path); }) || !is_done)
      next = earlier(next, Due(Clock::now() + kPeriod));
  }
  return next;
}

// False if it may be tried again. A lock means that somebody compiles it anew; when that goes, or the
// log does, the module is looked at again anyway.
bool Housekeeper::expire(const std::string& module) {
  const auto now = look(module);
  if (!now || !now->failure || !now->locks.empty() || now->failure->log == LayerId{}) return true;
  const auto& failure = *now->failure;
  if (time_left(failure.at, *options_.failures, std::chrono::system_clock::now()).count() > 0)
    return false;
  const auto log = join_path(module, kFailureLog);
  if (!remove(log, failure.log)) return false;
  spdlog::info("removed {}, which is {} s old: the module may be compiled again", log,
               age_s(failure.at));
  changed(log);
  return true;
}

void Housekeeper::set_settle(std::chrono::milliseconds settle) {
  settling_.set_settle(settle);
  wake();
}

void Housekeeper::wake() {
  ++told_;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(is_woken_, true)) return;  // it waits for the end of the burst
  }
  wake_.notify_all();
}

void Housekeeper::wait(Due due) {
  std::unique_lock lock(mutex_);
  const auto is_wanted = [this] { return is_woken_ || is_stopped_ || !jobs_.empty(); };
  if (due)
    wake_.wait_until(lock, *due, is_wanted);
  else
    wake_.wait(lock, is_wanted);
  if (is_woken_) wake_.wait_for(lock, kBurst, [this] { return is_stopped_ || !jobs_.empty(); });
  is_woken_ = false;
}

}  // namespace neffs::fs
