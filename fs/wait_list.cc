#include "fs/wait_list.h"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace neffs::fs {
namespace {

// The kernel reports an interruption once, so a caller whose first signal was harmless is looked at
// again until it is answered.
constexpr std::chrono::milliseconds kLookAgain{50};

constexpr std::uint64_t bit(int signal) {
  return std::uint64_t{1} << (signal - 1);
}

// Signals whose default action does not end a process.
constexpr std::uint64_t kHarmless = bit(SIGCHLD) | bit(SIGCONT) | bit(SIGURG) | bit(SIGWINCH) |
                                    bit(SIGSTOP) | bit(SIGTSTP) | bit(SIGTTIN) | bit(SIGTTOU);

}  // namespace

bool is_dying(pid_t thread) {
  if (thread <= 0) return false;
  std::ifstream status("/proc/" + std::to_string(thread) + "/status");
  // Others' processes may be hidden from us: only the kernel knows whether it is gone.
  if (!status) return ::kill(thread, 0) != 0 && errno == ESRCH;
  std::uint64_t pending = 0;
  std::uint64_t ineffective = kHarmless;
  for (std::string line; std::getline(status, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const auto key = line.substr(0, colon);
    const bool is_pending = key == "SigPnd" || key == "ShdPnd";
    if (!is_pending && key != "SigBlk" && key != "SigIgn" && key != "SigCgt") continue;
    const auto mask = std::strtoull(line.c_str() + colon + 1, nullptr, 16);
    (is_pending ? pending : ineffective) |= mask;
  }
  return (pending & bit(SIGKILL)) != 0 || (pending & ~ineffective) != 0;
}

WaitList::WaitList() : watcher_([this] { watch(); }) {}

WaitList::~WaitList() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_all();
  watcher_.join();
  give_up_all();
}

WaitId WaitList::next_id() {
  const std::lock_guard lock(mutex_);
  waits_.try_emplace(++last_id_);
  return last_id_;
}

void WaitList::park(WaitId id, std::optional<Clock::time_point> deadline, pid_t caller,
                    std::function<void(GiveUp)> give_up) {
  {
    const std::lock_guard lock(mutex_);
    const auto it = waits_.find(id);
    if (it == waits_.end()) return;
    auto& wait = it->second;
    wait.deadline = deadline;
    wait.caller = caller;
    wait.give_up = std::move(give_up);
  }
  wake_.notify_all();
}

bool WaitList::settle(WaitId id) {
  const std::lock_guard lock(mutex_);
  return waits_.erase(id) == 1;
}

void WaitList::interrupted(WaitId id) {
  {
    const std::lock_guard lock(mutex_);
    const auto it = waits_.find(id);
    if (it == waits_.end()) return;
    it->second.interrupted = true;
  }
  wake_.notify_all();
}

void WaitList::give_up_all() {
  std::vector<std::function<void(GiveUp)>> given_up;
  {
    const std::lock_guard lock(mutex_);
    for (auto it = waits_.begin(); it != waits_.end();) {
      if (!it->second.give_up) {  // about to be parked: who parks it has to be answered later
        ++it;
        continue;
      }
      given_up.push_back(std::move(it->second.give_up));
      it = waits_.erase(it);
    }
  }
  for (auto& give_up : given_up) give_up(GiveUp::kShutdown);
}

std::optional<WaitList::Clock::time_point> WaitList::next_look(Clock::time_point now) const {
  std::optional<Clock::time_point> next;
  for (const auto& [id, wait] : waits_) {
    if (!wait.give_up) continue;
    auto when = wait.deadline;
    if (wait.interrupted)
      when = std::min(when.value_or(Clock::time_point::max()), now + kLookAgain);
    if (when && (!next || *when < *next)) next = when;
  }
  return next;
}

void WaitList::watch() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    const auto now = Clock::now();
    std::vector<std::pair<std::function<void(GiveUp)>, GiveUp>> due;
    for (auto it = waits_.begin(); it != waits_.end();) {
      auto& wait = it->second;
      const bool late = wait.deadline && *wait.deadline <= now;
      const bool dying = !late && wait.interrupted && is_dying(wait.caller);
      if (wait.give_up && (late || dying)) {
        due.emplace_back(std::move(wait.give_up), late ? GiveUp::kDeadline : GiveUp::kCallerDying);
        it = waits_.erase(it);
      } else {
        ++it;
      }
    }
    if (!due.empty()) {
      lock.unlock();
      for (auto& [give_up, reason] : due) give_up(reason);
      lock.lock();
      continue;
    }
    const auto next = next_look(now);
    if (next) {
      wake_.wait_until(lock, *next);
    } else {
      wake_.wait(lock);
    }
  }
}

}  // namespace neffs::fs
