#include "mount-helper/commands/synchronize.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <system_error>

#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

#include "mount-helper/cache_directory.h"
#include "mount-helper/command_error.h"
#include "mount-helper/custom_repo.h"
#include "mount-helper/hub_session.h"
#include "mount-helper/mount_table.h"
#include "mount-helper/output.h"
#include "mount-helper/place.h"
#include "mount-helper/progress.h"
#include "mount-helper/state_directory.h"
#include "mount-helper/synchronization.h"

namespace neffs::mount_helper {
namespace {

namespace stdfs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::size_t kMostNames = 20;

stdfs::path directory_of(const std::string& typed) {
  if (typed.starts_with("s3://"))
    throw usage_error(printable(typed), "a cache in S3 cannot be synchronized",
                      "copy it to a directory first");
  const auto name = hub::Environment::of_process().expand(typed);
  std::error_code error;
  auto path = stdfs::canonical(name, error);
  if (error || !stdfs::is_directory(path, error))
    throw CommandError(printable(name), "it is no directory that is there",
                       "--cache_dir names the cache to synchronize");
  if (is_neffs_mounted_at(read_mount_table(), path))
    throw CommandError(path.string(), "neffs is mounted there, and publishes by itself",
                       "neffs flush " + path.string() + " waits until it has");
  return path;
}

// --- what is printed -----------------------------------------------------------------------------

void print_json(const Source& target, const std::string& directory, const Synchronized& done) {
  auto left = Json::array();
  for (const auto& piece : done.left)
    left.push_back({{"path", piece.path}, {"why", piece.why}, {"failed", piece.is_failed}});
  const Json answer = {{"repo", target.repo},
                       {"revision", target.revision},
                       {"commit", done.commit},
                       {"cache_dir", directory},
                       {"pushed", done.pushed},
                       {"superseded", done.superseded},
                       {"there_already", done.there_already},
                       {"copies_of_others", done.copies_of_others},
                       {"commits", done.commits},
                       {"left", std::move(left)},
                       {"error", done.error.empty() ? Json(nullptr) : Json(done.error)}};
  fmt::print("{}\n", answer.dump(2, ' ', false, Json::error_handler_t::replace));
}

void print_text(const Source& target, const Synchronized& done) {
  const auto repo = sources_text({target});
  if (done.pushed > 0)
    fmt::print("pushed {} to {} in {}, {} now\n", counted(done.pushed, "module"), repo,
               counted(done.commits, "commit"), done.commit.substr(0, 12));
  else if (done.error.empty())
    fmt::print("nothing new for {} at {}\n", repo, done.commit.substr(0, 12));
  if (done.there_already > 0)
    fmt::print("{} there since an earlier time\n", counted(done.there_already, "module"));
  if (done.superseded > 0)
    fmt::print("{} superseded: the repo had them from somebody else\n",
               counted(done.superseded, "module"));
  if (done.copies_of_others > 0)
    fmt::print("{} of other repos stayed here: copies are not published\n",
               counted(done.copies_of_others, "module"));
}

void name_what_is_left(const Synchronized& done) {
  std::size_t named = 0;
  for (const auto& piece : done.left) {
    if (++named > kMostNames) break;
    const auto line = fmt::format("{}: not published: {}", piece.path, piece.why);
    piece.is_failed ? complain(line) : warn(line);
  }
  if (done.left.size() > kMostNames)
    warn(fmt::format("and {} more: --json names all", done.left.size() - kMostNames));
}

}  // namespace

int synchronize_command(const SynchronizeRequest& request) {
  const auto invoker = invoker_of_process();
  const auto target = one_source(request.repo, invoker);
  const auto path = directory_of(request.directory);
  CacheDirectory cache(path);
  // What goes wrong on the way is said at the end, once.
  spdlog::set_level(spdlog::level::off);
  const auto index = cache.open_index();
  const HubSession session(environment_of(invoker, ""));
  Progress progress(request.is_quiet);
  SynchronizePlan plan;
  plan.directory = path.string();
  plan.target = target;
  // Then it is the public cache, which nobody has named.
  plan.only_private = request.repo.empty() && default_sources(invoker).size() == 1;
  plan.settle = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::duration<double>(request.settle_s));
  plan.on_progress = [&](const std::string& text) { progress.show(text); };
  const auto done = synchronize(cache.layer(), *index, session.client(), plan);
  progress.end();
  if (request.is_json)
    print_json(target, path.string(), done);
  else
    print_text(target, done);
  name_what_is_left(done);
  if (!done.error.empty()) complain(done.error + " (what is queued goes with the next run)");
  const bool has_failed = std::any_of(done.left.begin(), done.left.end(),
                                      [](const auto& piece) { return piece.is_failed; });
  return has_failed || !done.error.empty() ? kFailure : kSuccess;
}

}  // namespace neffs::mount_helper
