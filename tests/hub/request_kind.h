// What a request asks for, and which requests a fault, a gate or a count is about.
#pragma once

#include <optional>
#include <string>

#include "tests/hub/exchange.h"

namespace neffs::test {

enum class Kind {
  kInfo,  // GET /api/models/{repo}[/revision/{rev}]
  kRefs,
  kCommits,
  kCompare,
  kTree,
  kPathsInfo,
  kResolveHead,  // HEAD /{repo}/resolve/{rev}/{path}
  kResolveGet,
  kResolveCache,  // the second request for a file that git holds, GET or HEAD
  kRaw,
  kCdnHead,
  kCdnGet,
  kWhoami,
  kAuthCheck,
  kXetToken,
  kCreateRepo,
  kCreateBranch,
  kValidateYaml,
  kPreupload,
  kLfsBatch,
  kLfsPut,      // a whole file, to the storage
  kLfsPutPart,  // a part of one
  kLfsComplete,
  kLfsVerify,
  kCommit,
  kOther,  // everything the Hub does not know
};

// The word for a kind in the control API ("resolve-get", …), and back.
const char* to_string(Kind kind);
std::optional<Kind> kind_from_string(const std::string& word);

// The kind of a request, from its method and path alone.
Kind kind_of(Host host, const Request& request);

// Selects requests: all that is set must fit; an empty Match fits every request.
struct Match {
  std::optional<Kind> kind{};
  std::string text{};  // found in the decoded path and query; that of a CDN URL names the file too
  std::optional<Host> host{};
  std::string method{};

  bool fits(Host request_host, Kind request_kind, const std::string& request_method,
            const std::string& decoded_target) const;
};

}  // namespace neffs::test
