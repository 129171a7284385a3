#include "tests/hub/routes.h"

#include <exception>

#include "tests/hub/commit_api.h"
#include "tests/hub/create_api.h"
#include "tests/hub/lfs_api.h"
#include "tests/hub/preupload_api.h"
#include "tests/hub/repo_api.h"
#include "tests/hub/resolve_api.h"
#include "tests/hub/storage_api.h"
#include "tests/hub/tree_api.h"

namespace neffs::test {
namespace {

Answer dispatch(const HubView& hub, Kind kind, Request& request) {
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
    case Kind::kCreateRepo:
      return serve_create(hub, request);
    case Kind::kCreateBranch:
      return serve_create_branch(hub, request);
    case Kind::kValidateYaml:
      return serve_validate_yaml(request);
    case Kind::kPreupload:
      return serve_preupload(hub, request);
    case Kind::kLfsBatch:
      return serve_lfs_batch(hub, request);
    case Kind::kLfsPut:
      return serve_lfs_put(hub, request);
    case Kind::kLfsPutPart:
      return serve_lfs_put_part(hub, request);
    case Kind::kLfsComplete:
      return serve_lfs_complete(hub, request);
    case Kind::kLfsVerify:
      return serve_lfs_verify(hub, request);
    case Kind::kCommit:
      return serve_commit(hub, request);
    case Kind::kXetToken:  // this Hub has no Xet: clients must take the plain way
    case Kind::kOther:
      break;
  }
  return error_answer(404, "", "Not Found");
}

}  // namespace

Answer route(const HubView& hub, Kind kind, Request& request) {
  try {
    return dispatch(hub, kind, request);
  } catch (const Refused& refused) {
    return refused.answer;
  } catch (const std::exception& error) {
    return error_answer(400, "", error.what());
  }
}

}  // namespace neffs::test
