// neffs explain: hit or miss, from which source, and why.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace neffs::mount_helper {

struct ExplainRequest {
  std::string subject;      // a path, or the name of a module
  std::string mount_point;  // "" for the one that `subject` is in, or else the default
  bool is_json = false;
};

// Throws CommandError if the subject is in no mount point, or the mount does not answer.
int explain_command(const ExplainRequest& request);

std::string explain_text(const nlohmann::ordered_json& answer, bool is_colored);

}  // namespace neffs::mount_helper
