#include "mount-helper/commands/evict.h"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "mount-helper/command_error.h"
#include "mount-helper/control.h"
#include "mount-helper/output.h"
#include "mount-helper/place.h"

namespace neffs::mount_helper {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds kBetweenLooks{50};

Json wait_for_the_end(const Places& order) {
  while (true) {
    auto answer = ask_or_throw(order.mount_point, evicted_request());
    if (!answer["busy"].get<bool>()) return answer;
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

}  // namespace

int evict_command(const EvictRequest& request) {
  if (request.subjects.empty() && !request.to)
    throw usage_error("evict", "what is to go is not said", "give --to SIZE, or paths");
  const auto table = read_mount_table();
  const auto order =
      places_of(request.subjects, request.mount_point, table, std::filesystem::current_path());
  if (!is_neffs_mounted_at(table, order.mount_point))
    throw CommandError(order.mount_point.string(), "not mounted",
                       "mount it first: its daemon knows what can be fetched again");
  ask_or_throw(order.mount_point, evict_request(request.to, order.paths));
  auto done = wait_for_the_end(order);
  done.erase("busy");
  const auto kept = done["kept"].get<std::uint64_t>();
  if (request.is_json) {
    fmt::print("{}\n", done.dump(2));
  } else {
    fmt::print("{} removed, {}\n", counted(done["modules"].get<std::uint64_t>(), "module"),
               human_size(done["bytes"].get<std::uint64_t>()));
  }
  if (kept > 0)
    complain(
        fmt::format("{} had to stay: in use, or not to be fetched again now (neffs status "
                    "says which sources answer)",
                    counted(kept, "module")));
  return kept > 0 && !request.subjects.empty() ? kFailure : kSuccess;
}

}  // namespace neffs::mount_helper
