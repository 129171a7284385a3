// Which endpoint answers a request of which kind.
#pragma once

#include "tests/hub/hub_state.h"

namespace neffs::test {

// The Hub's answer, refusals included; never throws for what a client can send.
Answer route(const HubView& hub, Kind kind, const Request& request);

}  // namespace neffs::test
