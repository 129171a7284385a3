#include "mount-helper/commands/run.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <utility>

#include "fs/unique_fd.h"
#include "mount-helper/command_error.h"
#include "mount-helper/commands/flush.h"
#include "mount-helper/commands/umount.h"
#include "mount-helper/control.h"
#include "mount-helper/foreground.h"
#include "mount-helper/mount_table.h"
#include "mount-helper/output.h"
#include "mount-helper/source.h"

namespace neffs::mount_helper {
namespace {

// What a program leaves behind takes a moment to end.
constexpr std::chrono::milliseconds kPatienceWithHolders{2'000};

// The mount that the command is to use.
struct Used {
  MountEntry entry;
  bool is_ours = false;  // made here, so unmounted here
  fs::UniqueFd hold;     // keeps somebody else's from being unmounted under the command
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

// A mount that is there and answers. A dead one is none: mounting detaches it.
std::optional<Used> find_mount(const RunRequest& request) {
  auto entry = mounted_at(request.mount.mount_point);
  if (!entry) return std::nullopt;
  const auto answer = ask(entry->mount_point, hello_request());
  if (answer.health == MountHealth::kDead) return std::nullopt;
  understand(entry->mount_point, answer);
  refuse_other_source(*entry, request.mount);
  if (request.has_options)
    warn(fmt::format("{}: mounted already; -o changes nothing", entry->mount_point));
  fs::UniqueFd hold(::open(entry->mount_point.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  return Used{std::move(*entry), false, std::move(hold)};
}

Used make_mount(const RunRequest& request) {
  const auto made = mount_in_background(request.mount);
  // stdout is the command's.
  in_any_case([&] { fmt::print(stderr, "{}\n", made.summary); });
  auto entry = mounted_at(made.mount_point);
  if (!entry) throw CommandError(made.mount_point, "it was unmounted at once");
  return {std::move(*entry), true, {}};
}

Used find_or_make_mount(const RunRequest& request) {
  if (auto found = find_mount(request)) return std::move(*found);
  try {
    return make_mount(request);
  } catch (const std::exception&) {
    // Another one may have been quicker.
    if (auto found = find_mount(request)) return std::move(*found);
    throw;
  }
}

bool is_still_there(const MountEntry& entry) {
  const auto now = mounted_at(entry.mount_point);
  return now && now->id == entry.id;
}

void publish(const Used& used, const RunRequest& request, Foreground& foreground) {
  if (!publishes(used.entry.mount_point)) return;
  const auto is_stopped = [&foreground] { return foreground.asked_to_end() != 0; };
  if (flush(used.entry.mount_point, request.flush_timeout_s, is_stopped, request.is_quiet)) return;
  complain(fmt::format("not everything is in the repo: see above (what is queued stays so: {})",
                       used.is_ours ? "the next mount goes on with it" : "the mount goes on"));
}

}  // namespace

int run_command(const RunRequest& request) {
  Foreground foreground;
  const auto used = find_or_make_mount(request);
  int status = kFailure;
  if (const int signal = foreground.asked_to_end(); signal != 0)
    status = kBySignal + signal;
  else
    in_any_case([&] { status = foreground.run(request.command); });
  in_any_case([&] {
    if (!is_still_there(used.entry))
      throw CommandError(used.entry.mount_point, "not mounted any more",
                         "what is queued is pushed by the next mount");
    in_any_case([&] { publish(used, request, foreground); });
    if (used.is_ours) unmount_when_free(used.entry.mount_point, kPatienceWithHolders);
  });
  return status;
}

}  // namespace neffs::mount_helper
