// SOURCE: which repos a mount shows, in their order.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mount-helper/invoker.h"

namespace neffs::mount_helper {

struct Source {
  std::string repo;  // "namespace/name"
  std::string revision = "main";

  friend bool operator==(const Source&, const Source&) = default;
};

// Whether this can be the id of a repo: two parts of [A-Za-z0-9._-], at most 96 characters each, no
// "--", no "..", no '-' or '.' at an end of a part, not ending in ".git".
bool is_repo_id(std::string_view text);

// "ns/name[@revision],…". Throws CommandError (wrong usage) that says what is wrong with which part.
std::vector<Source> parse_sources(std::string_view text);

// The inverse: how the mount shows itself as a device. "@main" is left out.
std::string sources_text(const std::vector<Source>& sources);

// What is mounted if no SOURCE is given: the repo of CUSTOM_CACHE_REPO ("none" for none), else the
// one that `set` or optimum-cli has written down for this user, or for the user behind sudo; then
// the public cache. Throws CommandError if what is written down is not a repo.
std::vector<Source> default_sources(const Invoker& invoker);

// The one source this version can mount. Throws CommandError for more of them.
const Source& only_source(const std::vector<Source>& sources);

}  // namespace neffs::mount_helper
