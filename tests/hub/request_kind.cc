#include "tests/hub/request_kind.h"

#include <algorithm>
#include <array>
#include <utility>

namespace neffs::test {
namespace {

constexpr std::array<std::pair<Kind, const char*>, 26> kWords = {{
    {Kind::kInfo, "info"},
    {Kind::kRefs, "refs"},
    {Kind::kCommits, "commits"},
    {Kind::kCompare, "compare"},
    {Kind::kTree, "tree"},
    {Kind::kPathsInfo, "paths-info"},
    {Kind::kResolveHead, "resolve-head"},
    {Kind::kResolveGet, "resolve-get"},
    {Kind::kResolveCache, "resolve-cache"},
    {Kind::kRaw, "raw"},
    {Kind::kCdnHead, "cdn-head"},
    {Kind::kCdnGet, "cdn-get"},
    {Kind::kWhoami, "whoami"},
    {Kind::kAuthCheck, "auth-check"},
    {Kind::kXetToken, "xet-token"},
    {Kind::kCreateRepo, "create-repo"},
    {Kind::kCreateBranch, "create-branch"},
    {Kind::kValidateYaml, "validate-yaml"},
    {Kind::kPreupload, "preupload"},
    {Kind::kLfsBatch, "lfs-batch"},
    {Kind::kLfsPut, "lfs-put"},
    {Kind::kLfsPutPart, "lfs-put-part"},
    {Kind::kLfsComplete, "lfs-complete"},
    {Kind::kLfsVerify, "lfs-verify"},
    {Kind::kCommit, "commit"},
    {Kind::kOther, "other"},
}};

Kind kind_of_repo_verb(const std::string& verb) {
  if (verb == "revision") return Kind::kInfo;
  if (verb == "refs") return Kind::kRefs;
  if (verb == "commits") return Kind::kCommits;
  if (verb == "compare") return Kind::kCompare;
  if (verb == "tree") return Kind::kTree;
  if (verb == "paths-info") return Kind::kPathsInfo;
  if (verb == "auth-check") return Kind::kAuthCheck;
  if (verb == "xet-read-token") return Kind::kXetToken;
  return Kind::kOther;
}

Kind kind_of_writing_api(const std::vector<std::string>& segments) {
  const std::string path = segments.size() == 3 ? segments[1] + "/" + segments[2] : segments.back();
  if (path == "repos/create") return Kind::kCreateRepo;
  if (segments.size() == 2 && path == "validate-yaml") return Kind::kValidateYaml;
  if (segments.size() == 2 && path == "complete_multipart") return Kind::kLfsComplete;
  if (segments.size() != 6 || segments[1] != "models") return Kind::kOther;
  if (segments[4] == "branch") return Kind::kCreateBranch;
  if (segments[4] == "preupload") return Kind::kPreupload;
  return segments[4] == "commit" ? Kind::kCommit : Kind::kOther;
}

// /{namespace}/{name}.git/info/lfs/objects/batch, and …/verify beside it
Kind kind_of_lfs(const Request& request) {
  const std::string verb = request.path_from(2);
  if (verb == "info/lfs/objects/batch") return Kind::kLfsBatch;
  return verb == "info/lfs/objects/verify" ? Kind::kLfsVerify : Kind::kOther;
}

Kind kind_of_storage(const Request& request) {
  if (request.method == "HEAD") return Kind::kCdnHead;
  if (request.method != "PUT") return Kind::kCdnGet;
  return request.query.contains("partNumber") ? Kind::kLfsPutPart : Kind::kLfsPut;
}

Kind kind_of_api(const std::vector<std::string>& segments) {
  const std::string area = segments.size() > 1 ? segments[1] : "";
  if (area == "whoami-v2") return Kind::kWhoami;
  if (area == "resolve-cache") return Kind::kResolveCache;
  if (area != "models") return Kind::kOther;
  // A bare name is one of the Hub's earliest repos, since renamed.
  return segments.size() <= 4 ? Kind::kInfo : kind_of_repo_verb(segments[4]);
}

}  // namespace

const char* to_string(Kind kind) {
  const auto* found = std::find_if(kWords.begin(), kWords.end(),
                                   [&](const auto& word) { return word.first == kind; });
  return found->second;
}

std::optional<Kind> kind_from_string(const std::string& word) {
  for (const auto& [kind, text] : kWords) {
    if (word == text) return kind;
  }
  return std::nullopt;
}

Kind kind_of(Host host, const Request& request) {
  const bool is_head = request.method == "HEAD";
  if (host == Host::kCdn) return kind_of_storage(request);
  const auto& segments = request.segments;
  if (request.method == "POST") {
    const Kind writing =
        segments.front() == "api" ? kind_of_writing_api(segments) : kind_of_lfs(request);
    if (writing != Kind::kOther) return writing;
  }
  if (segments.front() == "api") return kind_of_api(segments);
  const std::string verb = segments.size() > 2 ? segments[2] : "";
  if (verb == "resolve") return is_head ? Kind::kResolveHead : Kind::kResolveGet;
  return verb == "raw" ? Kind::kRaw : Kind::kOther;
}

bool Match::fits(Host request_host, Kind request_kind, const std::string& request_method,
                 const std::string& decoded_target) const {
  return (!kind || *kind == request_kind) && (!host || *host == request_host) &&
         (method.empty() || method == request_method) &&
         decoded_target.find(text) != std::string::npos;
}

}  // namespace neffs::test
