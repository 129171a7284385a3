#include "mount-helper/commands/add.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>
#include <set>
#include <utility>

#include "fs/cache_layout.h"
#include "hub/hub_push_repo.h"
#include "hub/hub_repo.h"
#include "hub/whoami.h"
#include "mount-helper/answer.h"
#include "mount-helper/command_error.h"
#include "mount-helper/control.h"
#include "mount-helper/custom_repo.h"
#include "mount-helper/hub_session.h"
#include "mount-helper/output.h"
#include "mount-helper/place.h"

namespace neffs::mount_helper {
namespace {

constexpr std::chrono::seconds kToAsk{60};
constexpr std::size_t kMostNames = 20;

hub::CallLimits soon() {
  return {std::chrono::steady_clock::now() + kToAsk, {}};
}

void check_login(const hub::HubClient& hub) {
  try {
    hub::user_of_token(hub, soon());
  } catch (const hub::HubError& error) {
    if (error.kind != hub::HubErrorKind::kUnauthorized) throw;
    throw CommandError("add", "you are not logged in to the Hub", "hf auth login, or set HF_TOKEN");
  }
}

// Its id, as the Hub writes it.
std::string check_may_write(const hub::HubClient& hub, const Source& target, bool is_named) {
  hub::HubPushRepo repo(hub, target.repo, target.revision);
  const auto access = repo.access(soon());
  if (access.refusal)
    throw CommandError(target.repo,
                       fmt::format("nothing can be added to it: {}", access.refusal->what()),
                       "neffs create makes a cache repo of your own, --repo_id names another");
  if (!access.is_private && !is_named)
    throw CommandError(target.repo, "it is public, and nobody has named it to be published to",
                       "--repo_id " + target.repo + " does, neffs create makes a private one");
  return access.id;
}

// A mount that is there publishes where it was told to, and nowhere else. False if there is none.
bool check_mount(const std::string& typed, const std::string& repo) {
  const auto table = read_mount_table();
  const auto path = mount_path(typed, table);
  if (!is_neffs_mounted_at(table, path)) return false;
  const auto status = ask_or_throw(path, status_request());
  const auto push = status.contains("push") ? word_in(status.at("push"), "repo") : "";
  if (push == repo) return true;
  throw CommandError(
      path.string(),
      push.empty() ? "what is mounted there publishes nothing"
                   : fmt::format("what is mounted there publishes to {}, not to {}", push, repo),
      "neffs umount unmounts it, --mountpoint names another place");
}

// What another repo has would be a hit, and be added to none: nothing else is mounted.
RunRequest run_request(const AddRequest& request, const Source& target, bool is_mounted,
                       std::vector<std::string> command) {
  RunRequest run;
  if (!is_mounted) run.mount.sources = target.repo;
  run.mount.mount_point = request.mount_point;
  run.mount.options = request.options;
  run.mount.options.push = PushMode::kRepo;
  run.mount.options.push_repo = target.repo;
  run.flush_timeout_s = request.flush_timeout_s;
  run.command = std::move(command);
  run.model = request.arguments.model;
  return run;
}

// The modules that have come between the two commits; nullopt if the Hub does not tell.
std::optional<std::set<std::string>> added_between(hub::RemoteRepo& reader,
                                                   const std::string& before,
                                                   const std::string& after) {
  std::set<std::string> modules;
  if (before == after) return modules;
  const auto changes = reader.changes(before, after, std::chrono::steady_clock::now() + kToAsk);
  if (!changes) return std::nullopt;
  for (const auto& change : *changes) {
    const auto at = fs::locate(change.path);
    if (!change.is_removed && !at.module.empty()) modules.emplace(at.module);
  }
  return modules;
}

void report(const std::string& repo, const std::optional<std::set<std::string>>& added) {
  if (!added) {
    fmt::print(stderr, "what is new in {} the Hub does not tell: neffs list {} shows it\n", repo,
               repo);
    return;
  }
  fmt::print(stderr, "{} new in {}{}\n", counted(added->size(), "module"), repo,
             added->empty() ? ": everything was there already, or nothing was compiled" : "");
  std::size_t named = 0;
  for (const auto& module : *added) {
    if (++named > kMostNames) break;
    fmt::print(stderr, "  {}\n", printable(module));
  }
  if (added->size() > kMostNames) fmt::print(stderr, "  and {} more\n", added->size() - kMostNames);
}

struct TargetNow {
  std::string repo;  // as the Hub calls it
  std::string head;
  bool is_mounted = false;
};

// The session's thread ends with this: a daemon is forked later.
TargetNow check_target(const AddRequest& request, const Source& target,
                       const hub::Environment& environment) {
  const HubSession session(environment);
  check_login(session.client());
  TargetNow now;
  now.repo = check_may_write(session.client(), target, !request.repo.empty());
  now.is_mounted = check_mount(request.mount_point, target.repo);
  now.head = hub::HubRepo(session.client(), target.repo, target.revision, kToAsk).head();
  return now;
}

}  // namespace

int add_command(const AddRequest& request) {
  check_arguments(request.arguments);
  const auto invoker = invoker_of_process();
  const auto environment = environment_of(invoker, "");
  auto command = trainer_command(request.command, environment.get("NEFFS_TRAINER").value_or(""),
                                 request.arguments);
  const auto target = one_source(request.repo, invoker);
  if (target.revision != "main")
    throw usage_error(sources_text({target}), "modules are added to the main branch",
                      "--repo_id " + target.repo);
  const auto place = check_target(request, target, environment);
  const int status =
      run_command(run_request(request, target, place.is_mounted, std::move(command)));
  try {
    const HubSession session(environment);
    hub::HubRepo reader(session.client(), target.repo, target.revision, kToAsk);
    report(place.repo, added_between(reader, place.head, reader.head()));
  } catch (const std::exception& error) {  // the trainer's status is what counts
    complain(fmt::format("what is new in {} cannot be told: {}", place.repo, error.what()));
  }
  return status;
}

}  // namespace neffs::mount_helper
