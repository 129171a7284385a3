// The endpoints that let large files in: the LFS batch and what follows it, on the Hub and on the
// storage behind it.
#pragma once

#include "tests/hub/hub_state.h"

namespace neffs::test {

// POST /{repo}.git/info/lfs/objects/batch
Answer serve_lfs_batch(const HubView& hub, const Request& request);
// POST /{repo}.git/info/lfs/objects/verify
Answer serve_lfs_verify(const HubView& hub, const Request& request);
// POST /api/complete_multipart?uploadId=…
Answer serve_lfs_complete(const HubView& hub, const Request& request);
// PUT of the URLs that a batch gives out, on the other host
Answer serve_lfs_put(const HubView& hub, const Request& request);
Answer serve_lfs_put_part(const HubView& hub, const Request& request);

}  // namespace neffs::test
