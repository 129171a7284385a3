// neffs create: makes a cache repo on the Hub, and makes it this user's default.
#pragma once

#include <string>

namespace neffs::mount_helper {

struct CreateRequest {
  std::string name = "optimum-neuron-cache";  // or "namespace/name"; the token's user's otherwise
  bool is_public = false;
};

// A repo that exists is fine and keeps its visibility. Its .gitattributes gets the patterns of large
// files that it lacks, in one commit. Throws CommandError, HubError, std::system_error.
int create_command(const CreateRequest& request);

}  // namespace neffs::mount_helper
