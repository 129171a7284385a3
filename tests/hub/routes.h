// Which endpoint answers a request of which kind.
#pragma once

#include "tests/hub/hub_state.h"

namespace neffs::test {

// The Hub's answer, refusals included; never throws for what a client can send.
//   request: its body is taken where it is kept
Answer route(const HubView& hub, Kind kind, Request& request);

}  // namespace neffs::test
