// The Hub's endpoints about large files on their way in: the LFS batch, which says where they go, and
// what follows when they are there.
#pragma once

#include "tests/hub/hub_state.h"

namespace neffs::test {

// POST /{repo}.git/info/lfs/objects/batch
Answer serve_lfs_batch(const HubView& hub, const Request& request);
// POST /{repo}.git/info/lfs/objects/verify
Answer serve_lfs_verify(const HubView& hub, const Request& request);
// POST /api/complete_multipart?uploadId=…
Answer serve_lfs_complete(const HubView& hub, const Request& request);

}  // namespace neffs::test
