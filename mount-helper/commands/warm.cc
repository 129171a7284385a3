#include "mount-helper/commands/warm.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "mount-helper/answer.h"
#include "mount-helper/command_error.h"
#include "mount-helper/confirm.h"
#include "mount-helper/control.h"
#include "mount-helper/output.h"
#include "mount-helper/pace.h"
#include "mount-helper/place.h"
#include "mount-helper/progress.h"
#include "mount-helper/warming.h"

namespace neffs::mount_helper {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds kBetweenLooks{50};
constexpr std::uint64_t kMuch = std::uint64_t{20} << 30;
constexpr std::size_t kMostNames = 20;

// Nothing in a repo says which modules a model needs, and nothing here has noted it.
[[noreturn]] void refuse_model(const std::string& model) {
  throw CommandError(
      printable(model),
      "which modules it needs is not known here: a registry names configurations, not modules, and "
      "no use of it was noted",
      "neffs run --model notes it, neffs add does by itself; until then neffs lookup shows the "
      "model's compilers, and neffs warm --version fetches all of one");
}

[[noreturn]] void refuse_version(const std::string& model, std::uint64_t known) {
  throw CommandError(
      printable(model),
      fmt::format("none of the {} that it has used is of that version", counted(known, "module")),
      "leave --version out to fetch all of them");
}

void check(const WarmRequest& request) {
  const bool is_something =
      !request.modules.empty() || !request.versions.empty() || !request.model.empty();
  if (!is_something && !request.is_all)
    throw usage_error("warm", "what is to be fetched is not said",
                      "give --model, --module, --version or --all");
  if (is_something && request.is_all)
    throw usage_error("warm", "--all and the others exclude each other", "give one of them");
}

std::uint64_t number(const Json& answer, const char* key) {
  return answer.at(key).get<std::uint64_t>();
}

// Where the subjects are, so that paths may be given as of this machine.
Places subjects_of(const WarmRequest& request, const std::vector<MountEntry>& table) {
  auto places =
      places_of(request.modules, request.mount_point, table, std::filesystem::current_path());
  if (!is_neffs_mounted_at(table, places.mount_point))
    throw CommandError(places.mount_point.string(), "not mounted",
                       "mount it first: its daemon does the fetching");
  return places;
}

Json plan(const Places& places, const WarmRequest& request) {
  const auto& mount = places.mount_point;
  const auto order = ask_or_throw(
      mount, plan_warming_request(request.versions, places.paths, request.is_all, request.model));
  if (!order.contains("order")) {
    const auto known = number(order, "known");
    if (known == 0) refuse_model(request.model);
    refuse_version(request.model, known);
  }
  Progress progress(request.is_quiet);
  while (true) {
    auto answer = ask_or_throw(mount, warming_request());
    if (answer["order"] != order["order"])
      throw CommandError(mount.string(), "somebody else has begun to warm it");
    if (answer.contains("failed"))
      throw CommandError(mount.string(), word_in(answer, "failed"),
                         "neffs status says which sources answer");
    if (!answer["busy"].get<bool>()) return answer;
    progress.show("looking up what there is");
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

std::string plan_text(const Json& planned) {
  return fmt::format("{} with {} to fetch, {} here already",
                     counted(number(planned, "modules"), "module"),
                     human_size(number(planned, "bytes")), number(planned, "modules_here"));
}

WarmLimits limits_of(const Json& planned) {
  WarmLimits limits;
  if (planned["min_free"].is_number()) limits.min_free = number(planned, "min_free");
  if (planned["cache_size"].is_number()) {
    const auto size = number(planned, "cache_size");
    limits.room = size - std::min(size, number(planned, "layer_bytes"));
  }
  return limits;
}

Warmed fetch(const Places& places, const Json& planned, bool is_quiet) {
  std::vector<FileToWarm> files;
  for (const auto& file : planned["files"])
    files.push_back({word_in(file, "path"), number(file, "size")});
  const auto begun = Clock::now();
  Progress progress(is_quiet);
  return warm_files(places.mount_point, files, limits_of(planned), [&](const Warmed& now) {
    progress.show(
        fmt::format("{} of {} here: {}", now.files, counted(files.size(), "file"),
                    pace_text(0, now.bytes, number(planned, "bytes"), Clock::now() - begun)));
  });
}

// Until it is used. Whatever comes of it: it is here.
void keep(const Places& places, const Json& planned) {
  try {
    ask_or_throw(places.mount_point, pin_request(number(planned, "order")));
  } catch (const CommandError& error) {
    warn(fmt::format("it is not kept from eviction: {}", error.what()));
  }
}

void name_what_is_missing(const Json& planned, const Warmed& done) {
  std::vector<std::string> lines;
  for (const auto& name : planned["unknown"])
    lines.push_back(fmt::format("{}: no source has it finished", name.get<std::string>()));
  for (const auto& name : planned["unanswered"])
    lines.push_back(fmt::format("{}: not every source answers (neffs status says which does)",
                                name.get<std::string>()));
  for (const auto& [path, why] : done.failed)
    lines.push_back(fmt::format("{}: not fetched: {}", path, why));
  for (std::size_t at = 0; at < std::min(lines.size(), kMostNames); ++at) complain(lines[at]);
  if (lines.size() > kMostNames) complain(fmt::format("and {} more", lines.size() - kMostNames));
  if (!done.stopped.empty())
    complain(
        fmt::format("not all of it was fetched: {} (what is here stays; the same command goes "
                    "on)",
                    done.stopped));
}

void print_json(const Json& planned, const Warmed& done) {
  auto failed = Json::array();
  for (const auto& [path, why] : done.failed) failed.push_back({{"path", path}, {"why", why}});
  const Json answer = {{"modules", planned["modules"]},
                       {"bytes", planned["bytes"]},
                       {"modules_here", planned["modules_here"]},
                       {"files_fetched", done.files},
                       {"bytes_fetched", done.bytes},
                       {"unknown", planned["unknown"]},
                       {"unanswered", planned["unanswered"]},
                       {"failed", std::move(failed)},
                       {"stopped", done.stopped.empty() ? Json(nullptr) : Json(done.stopped)}};
  fmt::print("{}\n", answer.dump(2, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

int warm_command(const WarmRequest& request) {
  check(request);
  const auto places = subjects_of(request, read_mount_table());
  const auto planned = plan(places, request);
  if (!request.is_json) fmt::print("{}\n", plan_text(planned));
  std::fflush(stdout);
  if (number(planned, "bytes") > kMuch && !request.is_sure &&
      !is_confirmed(fmt::format("Fetch {}?", human_size(number(planned, "bytes")))))
    return kFailure;
  const auto begun = Clock::now();
  const auto done = fetch(places, planned, request.is_quiet);
  keep(places, planned);
  if (request.is_json)
    print_json(planned, done);
  else if (done.files > 0)
    fmt::print("{} fetched, {} in {}\n", counted(done.files, "file"), human_size(done.bytes),
               human_duration(Clock::now() - begun));
  name_what_is_missing(planned, done);
  const bool is_whole = planned["unknown"].empty() && planned["unanswered"].empty() &&
                        done.failed.empty() && done.stopped.empty();
  return is_whole ? kSuccess : kFailure;
}

}  // namespace neffs::mount_helper
