#include "tests/hub/request_kind.h"

#include <algorithm>
#include <array>
#include <utility>

namespace neffs::test {
namespace {

constexpr std::array<std::pair<Kind, const char*>, 16> kWords = {{
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
  if (host == Host::kCdn) return is_head ? Kind::kCdnHead : Kind::kCdnGet;
  const auto& segments = request.segments;
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
