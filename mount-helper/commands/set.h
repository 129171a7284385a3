// `neffs set`.
#pragma once

#include <string>

namespace neffs::mount_helper {

struct SetRequest {
  std::string name;  // "namespace/name", or a name in the namespace of the token's user
};

// Throws CommandError, HubError, std::system_error; the default is what it was then.
int set_command(const SetRequest& request);

}  // namespace neffs::mount_helper
