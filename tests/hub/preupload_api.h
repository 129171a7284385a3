// The endpoint that decides how files must be stored.
#pragma once

#include <string>

#include "tests/hub/hub_state.h"

namespace neffs::test {

// POST /api/models/{repo}/preupload/{rev}
Answer serve_preupload(const HubView& hub, const Request& request);

// The text of a file that git holds at a commit, "" if there is none.
std::string text_at(const TestRepo& repo, const std::string& commit, const std::string& path);

}  // namespace neffs::test
