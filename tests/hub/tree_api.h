// The endpoints that list names: tree and paths-info.
#pragma once

#include <map>
#include <string>

#include "tests/hub/hub_state.h"

namespace neffs::test {

// GET /api/models/{repo}/tree/{rev}[/{path}]
Answer serve_tree(const HubView& hub, const Request& request);
// POST /api/models/{repo}/paths-info/{rev}, JSON or form
Answer serve_paths_info(const HubView& hub, const Request& request);

// The value of a Link header to the next page: the same request with `changed` parameters.
std::string next_link(const HubView& hub, const Request& request,
                      const std::map<std::string, std::string>& changed);

}  // namespace neffs::test
