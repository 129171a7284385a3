// The storage that takes large files, on the other host: knows signed URLs and nothing else.
#pragma once

#include <string>

#include "tests/hub/hub_state.h"

namespace neffs::test {

// Where an object of a repo goes; a URL signed for it also names its "size", and that of a part
// "partNumber" and "uploadId".
std::string storage_path(const TestRepo& repo, const LfsPointer& pointer);

// PUT of a whole file
Answer serve_lfs_put(const HubView& hub, Request& request);
// PUT of a part; the ETag of the answer is needed to complete the upload
Answer serve_lfs_put_part(const HubView& hub, Request& request);

}  // namespace neffs::test
