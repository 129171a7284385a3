#include "mount-helper/custom_repo.h"

#include <fmt/format.h>

#include "hub/whoami.h"
#include "mount-helper/command_error.h"
#include "mount-helper/default_repo.h"
#include "mount-helper/output.h"

namespace neffs::mount_helper {

std::string whole_repo_id(const std::string& name, const hub::HubClient& hub,
                          const hub::CallLimits& limits) {
  const bool is_whole = name.find('/') != std::string::npos;
  // Judged before anybody is asked whose it is.
  if (!is_repo_id(is_whole ? name : "x/" + name))
    throw usage_error(printable(name), "no repo can have this name",
                      "name or namespace/name, of letters, digits, '-', '_' and '.'");
  return is_whole ? name : hub::user_of_token(hub, limits) + "/" + name;
}

Source one_source(const std::string& typed, const Invoker& invoker) {
  const auto sources = typed.empty() ? default_sources(invoker) : parse_sources(typed);
  if (!typed.empty() && sources.size() > 1)
    throw usage_error(sources_text(sources), "one repo at a time");
  return sources.front();
}

void make_default(const hub::Environment& environment, const std::string& repo) {
  const auto before = read_default_repo(environment);
  if (!before.empty() && before != repo)
    warn(fmt::format("{} was the default until now", printable(before)));
  write_default_repo(environment, repo);
  if (const auto named = environment.get("CUSTOM_CACHE_REPO"); named && *named != repo)
    warn(fmt::format("CUSTOM_CACHE_REPO={} is set and comes first", printable(*named)));
}

}  // namespace neffs::mount_helper
