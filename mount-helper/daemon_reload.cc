// What a daemon does when it is told to reload.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include <spdlog/spdlog.h>

#include "mount-helper/daemon_parts.h"
#include "mount-helper/daemon_settings.h"
#include "mount-helper/logging.h"

namespace neffs::mount_helper {

namespace {

// One that cannot be done keeps no other from being done.
void attempt(const char* what_stays, const std::function<void()>& work) {
  try {
    work();
  } catch (const std::exception& error) {
    spdlog::warn("{}: {}", what_stays, error.what());
  }
}

}  // namespace

void Daemon::Parts::reload_token() {
  credentials.renew();
  spdlog::info("reloaded; token: {}", credentials.origin());
}

void Daemon::Parts::ask_again() {
  if (is_offline(plan)) return;
  for (auto* view : sources.all().views()) {
    view->try_again();
    view->ask_head([](const std::exception_ptr&) {});
  }
  if (publisher) publisher->hurry();
}

void Daemon::Parts::reload_options() {
  if (!plan.read_settings) return;
  const auto settings = plan.read_settings();
  const auto& now = settings.options;
  const auto level_before = plan.options.log;
  auto changes = take_over(plan.options, now);
  if (settings.sources != plan.sources_said) changes.left.insert(changes.left.begin(), "source");
  if (!changes.left.empty())
    spdlog::warn("changed, but not while it is mounted: {}", fmt::join(changes.left, ", "));
  if (changes.taken_over.empty()) return;
  if (poller) poller->set_interval(now.poll);
  cache_fs->set_patience(now.hub_timeout, now.miss_check);
  fetcher.set_idle_timeout(now.fetch_timeout);
  housekeeper->set_settle(now.keep.settle);
  evictor->set_options(now.evict);
  if (publisher) publisher->set_commit_interval(now.commit_interval);
  set_log_level(std::max(level_before, now.log));
  spdlog::info("changed: {}", fmt::join(changes.taken_over, ", "));
  set_log_level(now.log);
}

void Daemon::Parts::reload() {
  attempt("the token of before is used on", [this] { reload_token(); });
  attempt("what waits goes on at its own pace", [this] { ask_again(); });
  // Last: a file, or a directory that it names, may be on a disk that does not answer.
  attempt("the options stay as they are", [this] { reload_options(); });
}

}  // namespace neffs::mount_helper
