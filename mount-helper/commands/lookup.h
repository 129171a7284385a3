// `neffs lookup`: what a model was compiled for already.
#pragma once

#include <string>

#include "fs/registry.h"

namespace neffs::mount_helper {

struct LookupRequest {
  std::string model;  // its id, or a directory with its config.json
  fs::RegistryFilter filter;
  std::string repos;      // as SOURCE; "" for the default
  bool is_quiet = false;  // no progress
  bool is_json = false;
  bool is_legacy = false;  // as optimum-cli printed it up to 0.3
};

// Reads the registries of the repos, no mount is needed. To have found nothing is a success. Throws
// CommandError, HubError.
int lookup_command(const LookupRequest& request);

}  // namespace neffs::mount_helper
