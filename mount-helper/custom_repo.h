// The repo that a user names to be the default from now on.
#pragma once

#include <string>

#include "hub/environment.h"
#include "hub/hub_client.h"
#include "hub/push_repo.h"
#include "mount-helper/invoker.h"
#include "mount-helper/source.h"

namespace neffs::mount_helper {

// "namespace/name" of what may have been typed without a namespace: then it is the token's user's, and
// who that is is asked. Throws CommandError (wrong usage) for what no repo can be called, HubError.
std::string whole_repo_id(const std::string& name, const hub::HubClient& hub,
                          const hub::CallLimits& limits);

// The repo that a command is about: the one that was typed, else the first default. Throws CommandError,
// also for several.
Source one_source(const std::string& typed, const Invoker& invoker);

// Writes it down, with a warning if there was another, or if CUSTOM_CACHE_REPO hides it. Throws
// std::system_error.
void make_default(const hub::Environment& environment, const std::string& repo);

}  // namespace neffs::mount_helper
