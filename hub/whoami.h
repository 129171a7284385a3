// Who the token belongs to.
#pragma once

#include <string>

#include "hub/hub_client.h"
#include "hub/push_repo.h"

namespace neffs::hub {

// The namespace of the token's user. One request of a kind that the Hub allows rarely: ask once, and only
// where nothing else tells. Throws HubError, kUnauthorized without a token.
std::string user_of_token(const HubClient& hub, const CallLimits& limits);

}  // namespace neffs::hub
