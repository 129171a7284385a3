// The endpoint that makes repos, and the one that looks at a model card beforehand.
#pragma once

#include "tests/hub/hub_state.h"

namespace neffs::test {

// POST /api/repos/create
Answer serve_create(const HubView& hub, const Request& request);
// POST /api/validate-yaml
Answer serve_validate_yaml(const Request& request);

}  // namespace neffs::test
