// The repo that a user has made the default, in the file that optimum-cli keeps it in too.
#pragma once

#include <string>

#include "hub/environment.h"

namespace neffs::mount_helper {

// $HF_HOME/optimum_neuron_custom_cache.
std::string default_repo_file(const hub::Environment& environment);

// "" if there is none.
std::string read_default_repo(const hub::Environment& environment);

// The file, and folders that are missing on the way, belong to the owner of the folder they are in: root
// writes for who is behind sudo. Whole or not at all. Throws std::system_error.
void write_default_repo(const hub::Environment& environment, const std::string& repo);

}  // namespace neffs::mount_helper
