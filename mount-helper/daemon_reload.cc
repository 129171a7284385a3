// What a daemon does when it is told to reload.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <spdlog/spdlog.h>

#include "hub/hub_error.h"
#include "mount-helper/daemon_parts.h"
#include "mount-helper/daemon_settings.h"
#include "mount-helper/logging.h"

namespace neffs::mount_helper {

void Daemon::Parts::reload_options() {
  if (!plan.read_options) return;
  const auto now = plan.read_options();
  const auto changes = take_over(plan.options, now);
  if (!changes.left.empty())
    spdlog::warn("changed, but not while it is mounted: {}", fmt::join(changes.left, ", "));
  if (changes.taken_over.empty()) return;
  set_log_level(now.log);
  if (poller) poller->set_interval(now.poll);
  cache_fs->set_patience(now.hub_timeout, now.miss_check);
  fetcher.set_idle_timeout(now.fetch_timeout);
  housekeeper->set_settle(now.keep.settle);
  evictor->set_options(now.evict);
  if (publisher) publisher->set_commit_interval(now.commit_interval);
  spdlog::info("changed: {}", fmt::join(changes.taken_over, ", "));
}

void Daemon::Parts::reload_token() {
  try {
    credentials.renew();
  } catch (const hub::HubError& error) {
    spdlog::warn("the token of before is used on: {}", error.what());
  }
  spdlog::info("reloaded; token: {}", credentials.origin());
}

// However often it is asked for, one thread at most waits for a disk.
void Daemon::Parts::reload() {
  if (reloads++ > 0) return;  // the one that goes on begins anew
  int done = 0;
  do {
    done = reloads;
    reload_once();
  } while (!reloads.compare_exchange_strong(done, 0));
}

void Daemon::Parts::reload_once() {
  try {
    reload_options();
  } catch (const std::exception& error) {  // as for a line that nobody understands
    spdlog::warn("the options stay as they are: {}", error.what());
  }
  reload_token();
  if (is_offline(plan)) return;
  for (auto* view : sources.all().views()) {
    view->try_again();
    view->ask_head([](const std::exception_ptr&) {});
  }
  try {
    if (publisher) publisher->hurry();
  } catch (const std::exception& error) {  // it goes on at its own pace
    spdlog::warn("{}", error.what());
  }
}

}  // namespace neffs::mount_helper
