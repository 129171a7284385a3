#include "tests/hub/routes.h"

#include <exception>

#include "tests/hub/repo_api.h"
#include "tests/hub/resolve_api.h"
#include "tests/hub/tree_api.h"

namespace neffs::test {
namespace {

Answer dispatch(const HubView& hub, Kind kind, const Request& request) {
  switch (kind) {
    case Kind::kInfo:
      return serve_info(hub, request);
    case Kind::kRefs:
      return serve_refs(hub, request);
    case Kind::kCommits:
      return serve_commits(hub, request);
    case Kind::kCompare:
      return serve_compare(hub, request);
    case Kind::kTree:
      return serve_tree(hub, request);
    case Kind::kPathsInfo:
      return serve_paths_info(hub, request);
    case Kind::kResolveHead:
    case Kind::kResolveGet:
      return serve_resolve(hub, request);
    case Kind::kResolveCache:
      return serve_resolve_cache(hub, request);
    case Kind::kRaw:
      return serve_raw(hub, request);
    case Kind::kCdnHead:
    case Kind::kCdnGet:
      return serve_cdn(hub, request);
    case Kind::kWhoami:
      return serve_whoami(hub.caller);
    case Kind::kAuthCheck:
      return serve_auth_check(hub, request);
    case Kind::kXetToken:  // this Hub has no Xet: clients must take the plain way
    case Kind::kOther:
      break;
  }
  return error_answer(404, "", "Not Found");
}

}  // namespace

Answer route(const HubView& hub, Kind kind, const Request& request) {
  try {
    return dispatch(hub, kind, request);
  } catch (const Refused& refused) {
    return refused.answer;
  } catch (const std::exception& error) {
    return error_answer(400, "", error.what());
  }
}

}  // namespace neffs::test
