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
  bool is_named = true;  // false: nobody asked for it, it is there by default, after one that was

  friend bool operator==(const Source& one, const Source& other) {
    return one.repo == other.repo && one.revision == other.revision;
  }
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

// The one source that a command is about. Throws CommandError for more of them.
const Source& only_source(const std::vector<Source>& sources);

// A repo that is published to and is not among the sources goes before them. "" changes nothing.
std::vector<Source> with_push_repo(std::vector<Source> sources, const std::string& repo);

}  // namespace neffs::mount_helper
