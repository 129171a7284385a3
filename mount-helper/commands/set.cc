#include "mount-helper/commands/set.h"

#include <fmt/format.h>

#include <chrono>

#include "hub/hub_push_repo.h"
#include "mount-helper/command_error.h"
#include "mount-helper/custom_repo.h"
#include "mount-helper/default_repo.h"
#include "mount-helper/hub_session.h"
#include "mount-helper/output.h"

namespace neffs::mount_helper {
namespace {

constexpr std::chrono::seconds kToAsk{60};
constexpr const char* kBranch = "main";

hub::CallLimits soon() {
  return {std::chrono::steady_clock::now() + kToAsk, {}};
}

}  // namespace

int set_command(const SetRequest& request) {
  const auto environment = environment_of(invoker_of_process(), "");
  const HubSession session(environment);
  const auto id = whole_repo_id(request.name, session.client(), soon());
  hub::HubPushRepo repo(session.client(), id, kBranch);
  const auto access = repo.access(soon());
  if (access.id.empty() && access.refusal) throw hub::HubError(*access.refusal);
  make_default(environment, access.id);
  fmt::print("the default is {} ({}) now, as {} says\n", access.id,
             access.is_private ? "private" : "public", default_repo_file(environment));
  // What optimum-cli finds out only when it has compiled for an hour.
  if (access.refusal)
    warn(fmt::format("what is compiled here will not be published: {}", access.refusal->what()));
  else if (!access.is_private)
    warn(
        fmt::format("{} is public: it is published to only with -o push={}", access.id, access.id));
  return kSuccess;
}

}  // namespace neffs::mount_helper
