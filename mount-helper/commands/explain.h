// neffs explain: hit or miss, from which source, and why.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "mount-helper/mount_table.h"

namespace neffs::mount_helper {

struct ExplainRequest {
  std::string subject;      // a path, or the name of a module
  std::string mount_point;  // "" for the one that `subject` is in, or else the default
  bool is_json = false;
};

// Throws CommandError if the subject is in no mount point, or the mount does not answer.
int explain_command(const ExplainRequest& request);

// Where a subject is meant to be: a mount point and a path in it.
struct Place {
  std::filesystem::path mount_point;
  std::string path;
};

// Throws CommandError for a path that is in no neffs mount. current: the working directory, which
// subjects that begin with a dot refer to.
Place place_of(const ExplainRequest& request, const std::vector<MountEntry>& table,
               const std::filesystem::path& current);

std::string explain_text(const nlohmann::ordered_json& answer, bool is_colored);

}  // namespace neffs::mount_helper
