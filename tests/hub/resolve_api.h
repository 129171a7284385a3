// The endpoints that give files away: resolve, its cache, raw, and the CDN behind signed URLs.
#pragma once

#include "tests/hub/hub_state.h"

namespace neffs::test {

// HEAD and GET /{repo}/resolve/{rev}/{path}
Answer serve_resolve(const HubView& hub, const Request& request);
// HEAD and GET /api/resolve-cache/models/{repo}/{commit}/{path}: where git files are sent from
Answer serve_resolve_cache(const HubView& hub, const Request& request);
// GET /{repo}/raw/{rev}/{path}: what git holds, the pointer text of a large file
Answer serve_raw(const HubView& hub, const Request& request);
// HEAD and GET of the URLs that resolve makes for large files, on the other host
Answer serve_cdn(const HubView& hub, const Request& request);

}  // namespace neffs::test
