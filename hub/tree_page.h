// The Hub's JSON answers turned into our values: pure functions, strict about what they are given.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/http_client.h"
#include "hub/remote_repo.h"

namespace neffs::hub {

// One page of GET /api/models/{id}/tree/{commit}/{directory}. Paths of the result are relative to
// `directory`; entries of kinds we do not know (submodules) are left out. Throws HubError
// kInvalidAnswer for anything the Hub would not say: no JSON, wrong types, ids that are none, names
// outside the directory.
std::vector<RemoteEntry> parse_tree_page(std::string_view body, std::string_view directory,
                                         ListDepth depth);

// The address of the next page, nullopt on the last one: the Link header with rel="next".
std::optional<std::string> next_page(const Headers& headers);

// The answer of GET /api/models/{id}/revision/{revision}; fields that were not asked for or that an
// older Hub does not know are taken as absent, `sha` and `id` must be there. Throws kInvalidAnswer.
RepoInfo parse_repo_info(std::string_view body);

bool is_commit_id(std::string_view text);  // 40 lower-case hex digits

}  // namespace neffs::hub
