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

struct Order {
  std::filesystem::path mount_point;
  std::vector<std::string> paths;
};

// One daemon does it: all paths have to be in its mount.
Order order_of(const EvictRequest& request, const std::vector<MountEntry>& table) {
  const auto here = std::filesystem::current_path();
  Order order;
  if (request.subjects.empty()) order.mount_point = mount_path(request.mount_point, table);
  for (const auto& subject : request.subjects) {
    const auto place = place_of(subject, request.mount_point, table, here);
    if (!order.mount_point.empty() && order.mount_point != place.mount_point)
      throw usage_error(printable(subject), "in another mount than the paths before it",
                        "evict one mount at a time");
    order.mount_point = place.mount_point;
    order.paths.push_back(place.path);
  }
  return order;
}

Json wait_for_the_end(const Order& order) {
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
  const auto order = order_of(request, table);
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
