// What the Hub demands of a commit before it lets it into a repo.
#pragma once

#include <string>
#include <vector>

#include "tests/hub/commit_body.h"
#include "tests/hub/hub_state.h"

namespace neffs::test {

// Checks `body` against the repo as it is at the commit `head`. Throws Refused.
void check_commit(const CommitBody& body, const TestRepo& repo, const std::string& head,
                  const WritingLimits& limits);

// The .gitattributes text the commit must bring along because it adds large files that nothing
// there covers; "" if it need not.
std::string amended_attributes(const CommitBody& body, const TestRepo& repo,
                               const std::string& head);

}  // namespace neffs::test
