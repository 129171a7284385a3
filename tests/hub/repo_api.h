// The endpoints about a repo as a whole: info, refs, history, comparison, rights.
#pragma once

#include "tests/hub/hub_state.h"

namespace neffs::test {

// GET /api/models/{repo} and /api/models/{repo}/revision/{rev}
Answer serve_info(const HubView& hub, const Request& request);
// GET /api/models/{repo}/refs
Answer serve_refs(const HubView& hub, const Request& request);
// GET /api/models/{repo}/commits/{rev}
Answer serve_commits(const HubView& hub, const Request& request);
// GET /api/models/{repo}/compare/{old}..{new}?raw=true
Answer serve_compare(const HubView& hub, const Request& request);
// GET /api/models/{repo}/auth-check[/write]
Answer serve_auth_check(const HubView& hub, const Request& request);

}  // namespace neffs::test
