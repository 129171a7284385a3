#include "mount-helper/commands/run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "fs/process_table.h"
#include "fs/unique_fd.h"
#include "mount-helper/command_error.h"
#include "mount-helper/commands/flush.h"
#include "mount-helper/commands/umount.h"
#include "mount-helper/control.h"
#include "mount-helper/foreground.h"
#include "mount-helper/holders.h"
#include "mount-helper/mount_point.h"
#include "mount-helper/mount_table.h"
#include "mount-helper/output.h"
#include "mount-helper/source.h"
#include "mount-helper/state_directory.h"

namespace neffs::mount_helper {
namespace {

// What a program leaves behind takes a moment to end.
constexpr std::chrono::milliseconds kPatienceWithHolders{2'000};

// A daemon that has the layer mounts it as soon as it has asked the Hub.
constexpr std::chrono::seconds kPatienceWithAnother{60};
constexpr std::chrono::seconds kToAsk{1};

// The mount that the command is to use.
struct Used {
  MountEntry entry;
  bool is_of_run = false;  // made here or by another `run`: the last one unmounts it
  fs::UniqueFd hold;       // keeps it from being unmounted under the command
};

// Before there was a mount to run anything on.
struct AskedToEnd {
  int signal = 0;
};

// Whatever goes wrong on the way, the command's status is what counts.
template <typename Step>
void in_any_case(const Step& step) {
  try {
    step();
  } catch (const std::exception& error) {
    try {
      complain(error.what());
    } catch (const std::exception&) {  // nobody listens
    }
  }
}

std::optional<MountEntry> mounted_at(const std::string& typed) {
  const auto table = read_mount_table();
  auto entry = mount_at(table, mount_path(typed, table));
  if (entry && entry->type != kFilesystemType) entry.reset();
  return entry;
}

void refuse_other_source(const MountEntry& entry, const MountRequest& wanted) {
  const auto& sources = wanted.sources;
  if (sources.empty()) return;
  const auto all = with_push_repo(parse_sources(sources), wanted.options.push_repo);
  if (sources_text(all) == entry.source) return;
  throw CommandError(
      entry.mount_point, fmt::format("{} is mounted, not {}", entry.source, sources),
      "leave SOURCE out to use it, neffs umount unmounts it, --mountpoint names another place");
}

bool is_still_there(const MountEntry& entry) {
  const auto now = mounted_at(entry.mount_point);
  return now && now->id == entry.id;
}

// nullopt if it was unmounted meanwhile.
std::optional<Used> hold(MountEntry entry, bool is_of_run) {
  fs::UniqueFd hold(::open(entry.mount_point.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!is_still_there(entry)) return std::nullopt;
  return Used{std::move(entry), is_of_run, std::move(hold)};
}

// A mount that is there and answers. A dead one is none: mounting detaches it.
std::optional<Used> find_mount(const RunRequest& request) {
  auto entry = mounted_at(request.mount.mount_point);
  if (!entry) return std::nullopt;
  const auto answer = ask(entry->mount_point, hello_request());
  if (answer.health == MountHealth::kDead || !is_still_there(*entry)) return std::nullopt;
  const auto hello = understand(entry->mount_point, answer);
  refuse_other_source(*entry, request.mount);
  auto used = hold(std::move(*entry), hello.value("of_run", false));
  if (used && request.has_options)
    warn(fmt::format("{}: mounted already; -o changes nothing", used->entry.mount_point));
  return used;
}

// nullopt if another `run`, which was quicker to end, has unmounted it already.
std::optional<Used> make_mount(const RunRequest& request) {
  auto wanted = request.mount;
  wanted.is_of_run = true;
  const auto made = mount_in_background(wanted);
  // stdout is the command's.
  in_any_case([&] { fmt::print(stderr, "{}\n", made.summary); });
  auto entry = mounted_at(made.mount_point);
  if (!entry) return std::nullopt;
  return hold(std::move(*entry), true);
}

// Then it is not about to mount here.
bool serves_another_mount(const std::string& pid, const std::string& typed) {
  const auto table = read_mount_table();
  const auto here = mount_path(typed, table);
  return std::any_of(table.begin(), table.end(), [&](const MountEntry& entry) {
    if (entry.type != kFilesystemType || entry.mount_point == here) return false;
    const auto hello = ask(entry.mount_point, hello_request(), kToAsk);
    const auto parsed = nlohmann::json::parse(hello.text, nullptr, false);
    return parsed.is_object() && parsed.contains("pid") && parsed["pid"].dump() == pid;
  });
}

// Several that begin at the same moment use the mount of the first.
Used find_or_make_mount(const RunRequest& request, Foreground& foreground) {
  const auto deadline = std::chrono::steady_clock::now() + kPatienceWithAnother;
  bool is_told = false;
  while (true) {
    if (auto found = find_mount(request)) return std::move(*found);
    try {
      if (auto made = make_mount(request)) return std::move(*made);
    } catch (const LayerInUse& busy) {
      if (auto found = find_mount(request)) return std::move(*found);
      const bool is_late = std::chrono::steady_clock::now() >= deadline;
      if (is_late || serves_another_mount(busy.pid(), request.mount.mount_point)) throw;
      if (!std::exchange(is_told, true))
        warn(fmt::format("{}: waits for the mount that another neffs (pid {}) is about to make",
                         request.mount.mount_point, busy.pid()));
    } catch (const MountedAlready&) {
      // Another one was quicker, and may have unmounted it by now.
      if (std::chrono::steady_clock::now() >= deadline) throw;
    } catch (const std::exception&) {
      if (auto found = find_mount(request)) return std::move(*found);
      throw;
    }
    if (const int signal = foreground.asked_to_end(); signal != 0) throw AskedToEnd{signal};
  }
}

void publish(const Used& used, const RunRequest& request, Foreground& foreground) {
  if (!publishes(used.entry.mount_point)) return;
  const auto is_stopped = [&foreground] { return foreground.asked_to_end() != 0; };
  if (flush(used.entry.mount_point, request.flush_timeout_s, is_stopped, request.is_quiet)) return;
  complain(fmt::format("not everything is in the repo: see above (what is queued stays so: {})",
                       used.is_of_run ? "the next mount goes on with it" : "the mount goes on"));
}

bool is_used_by_a_run(const MountEntry& entry) {
  const auto holders = holders_of(entry);
  return std::any_of(holders.begin(), holders.end(),
                     [](const Holder& holder) { return holder.command == "neffs"; });
}

// The last one does it; whoever ends at the same moment may have done it already.
void unmount(Used& used) {
  used.hold.reset();
  try {
    unmount_when_free(used.entry.mount_point, kPatienceWithHolders);
  } catch (const std::exception&) {
    if (is_still_there(used.entry) && !is_used_by_a_run(used.entry)) throw;
  }
}

// What the command uses is noted as its model's, so that `warm` knows it.
class ModelUse {
 public:
  ModelUse(const std::string& mount_point, const std::string& model)
      : mount_point_(mount_point), model_(model) {
    if (model.empty()) return;
    in_any_case([&] {
      nlohmann::json process;
      if (const auto own = fs::ProcessTable().process_of(::getpid()))
        process = {{"id", own->id},
                   {"started", own->started},
                   {"boot", own->boot},
                   {"pid_namespace", own->pid_namespace}};
      number_ = ask_or_throw(mount_point_, begin_use_request(model, process))
                    .at("use")
                    .get<std::uint64_t>();
    });
  }

  void end() {
    const auto number = std::exchange(number_, std::nullopt);
    if (!number) return;
    const auto answer = ask_or_throw(mount_point_, end_use_request(*number));
    if (!answer.at("modules").is_number())
      throw CommandError(printable(model_), "not all that it has used is noted",
                         "the daemon was started anew meanwhile");
    fmt::print(stderr, "{} noted as used by {}\n",
               counted(answer.at("modules").get<std::uint64_t>(), "module"), printable(model_));
  }

 private:
  const std::string mount_point_;
  const std::string model_;
  std::optional<std::uint64_t> number_;
};

}  // namespace

int run_command(const RunRequest& request) {
  Foreground foreground;
  std::optional<Used> found;
  try {
    found = find_or_make_mount(request, foreground);
  } catch (const AskedToEnd& asked) {
    return kBySignal + asked.signal;
  }
  auto& used = *found;
  int status = kFailure;
  if (const int signal = foreground.asked_to_end(); signal != 0)
    status = kBySignal + signal;
  else
    in_any_case([&] {
      ModelUse use(used.entry.mount_point, request.model);
      status = foreground.run(request.command);
      use.end();
    });
  in_any_case([&] {
    if (!is_still_there(used.entry))
      throw CommandError(used.entry.mount_point, "not mounted any more",
                         "what is queued is pushed by the next mount");
    in_any_case([&] { publish(used, request, foreground); });
    if (used.is_of_run) unmount(used);
  });
  return status;
}

}  // namespace neffs::mount_helper
