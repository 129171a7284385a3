#include "mount-helper/adoption.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <set>
#include <thread>

#include "mount-helper/answer.h"
#include "mount-helper/confirm.h"
#include "mount-helper/control.h"
#include "mount-helper/output.h"

namespace neffs::mount_helper {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds kBetweenLooks{50};
constexpr std::chrono::seconds kPatienceWithSeeing{20};

// What has not been counted yet would be neither named nor released.
void wait_until_counted(const std::string& mount_point) {
  while (ask_or_throw(mount_point, hello_request()).value("counting", false))
    std::this_thread::sleep_for(kBetweenLooks);
}

std::string size_text(const Json& module) {
  const auto bytes = module.find("bytes");
  return bytes != module.end() && bytes->is_number_unsigned()
             ? human_size(bytes->get<std::uint64_t>())
             : "";
}

void name_modules(const Json& modules) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Json& module : modules) rows.emplace_back(word_in(module, "path"), size_text(module));
  fmt::print("{}", aligned(rows));
  std::fflush(stdout);
}

// A released module is looked at anew, and until then nothing shows that it is to be published.
void wait_until_seen(const std::string& mount_point, std::set<std::string> released) {
  const auto deadline = Clock::now() + kPatienceWithSeeing;
  while (Clock::now() < deadline) {
    const auto status = ask_or_throw(mount_point, status_request());
    if (!status.contains("push")) return;
    for (const Json& module : list_in(status.at("push"), "modules"))
      if (word_in(module, "state") != "held") released.erase(word_in(module, "path"));
    if (released.empty()) return;
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

}  // namespace

bool release_held(const std::string& mount_point, bool is_sure) {
  wait_until_counted(mount_point);
  const auto answer = ask_or_throw(mount_point, adoptable_request());
  const Json& modules = list_in(answer, "modules");
  if (!modules.empty()) name_modules(modules);
  const auto question = fmt::format("publish {} that may have been put there by anyone, to {}?",
                                    counted(modules.size(), "module"), word_in(answer, "repo"));
  if (!modules.empty() && !is_sure && !is_confirmed(question)) return false;
  std::set<std::string> released;
  const auto adopted = ask_or_throw(mount_point, adopt_request());
  for (const Json& path : list_in(adopted, "adopted"))
    if (path.is_string()) released.insert(printable(path.get<std::string>()));
  wait_until_seen(mount_point, std::move(released));
  return true;
}

}  // namespace neffs::mount_helper
