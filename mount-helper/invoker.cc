#include "mount-helper/invoker.h"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <utility>

namespace neffs::mount_helper {
namespace {

hub::Environment with_home(const hub::Environment& process,
                           const std::optional<std::string>& home) {
  return hub::Environment([process, home](const std::string& name) {
    auto value = process.get(name);
    return value || name != "HOME" ? value : home;
  });
}

// Where root keeps its files is not where the user does.
hub::Environment at_home(const hub::Environment& process, const std::string& home) {
  return hub::Environment([process, home](const std::string& name) -> std::optional<std::string> {
    if (name == "HOME") return home;
    const bool is_place = name == "HF_HOME" || name == "XDG_CACHE_HOME" ||
                          name == "XDG_CONFIG_HOME" || name == "HF_TOKEN_PATH";
    return is_place ? std::nullopt : process.get(name);
  });
}

std::optional<uid_t> sudo_user(const hub::Environment& process) {
  const std::string text = process.get("SUDO_UID").value_or("");
  uid_t uid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), uid);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return uid;
}

std::optional<std::string> home_in_user_database(uid_t uid) {
  std::array<char, 16384> buffer{};
  struct passwd entry {};
  struct passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    return std::nullopt;
  }
  return std::string(found->pw_dir);
}

}  // namespace

Invoker make_invoker(const hub::Environment& process, uid_t effective_user, const HomeOf& home_of) {
  // Only root may act for somebody else: SUDO_UID is a variable like any other.
  const auto user = effective_user == 0 ? sudo_user(process) : std::nullopt;
  std::optional<hub::Environment> behind_sudo;
  if (user && *user != effective_user) {
    if (const auto home = home_of(*user)) behind_sudo = at_home(process, *home);
  }
  return {with_home(process, home_of(effective_user)), std::move(behind_sudo)};
  // The analyzer loses sight of what a std::function owns when it is moved.
}  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks)

Invoker invoker_of_process() {
  return make_invoker(hub::Environment::of_process(), ::geteuid(), home_in_user_database);
}

}  // namespace neffs::mount_helper
