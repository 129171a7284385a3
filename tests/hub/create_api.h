// The endpoints that make repos and branches, and the one that looks at a model card beforehand.
#pragma once

#include "tests/hub/hub_state.h"

namespace neffs::test {

// POST /api/repos/create
Answer serve_create(const HubView& hub, const Request& request);
// POST /api/models/{repo}/branch/{name}
Answer serve_create_branch(const HubView& hub, const Request& request);
// POST /api/validate-yaml
Answer serve_validate_yaml(const Request& request);

}  // namespace neffs::test
