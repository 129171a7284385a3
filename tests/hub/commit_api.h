// The endpoint that commits.
#pragma once

#include "tests/hub/hub_state.h"

namespace neffs::test {

// POST /api/models/{repo}/commit/{branch}
Answer serve_commit(const HubView& hub, const Request& request);

}  // namespace neffs::test
