// What the Hub answers to a writer, beside plans and batches: pure functions, strict about what they
// are given. They throw HubError kInvalidAnswer.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/push_repo.h"

namespace neffs::hub {

// The commit of a branch by the answer of GET /api/models/{id}/refs; nullopt if there is no branch of
// that name, whatever tags there are.
std::optional<std::string> parse_branch_head(std::string_view body, std::string_view branch);

// The id of the new commit, by the answer of POST /api/models/{id}/commit/{branch}.
std::string parse_new_commit(std::string_view body);

// One page of GET /api/models/{id}/commits/{branch}.
std::vector<PastCommit> parse_past_commits(std::string_view body);

}  // namespace neffs::hub
