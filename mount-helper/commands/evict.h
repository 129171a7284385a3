// neffs evict: removes local copies that can be fetched again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace neffs::mount_helper {

struct EvictRequest {
  std::vector<std::string> subjects;  // paths; with `to` none
  std::optional<std::uint64_t> to;    // so many bytes of copies may stay
  std::string mount_point;            // "" for the one that a path is in, or else the default
  bool is_json = false;
};

// Waits until it is done and says what went. Throws CommandError if a path is in no mount, or the mount
// does not answer or evicts nothing. Fails if a path that was named had to stay.
int evict_command(const EvictRequest& request);

}  // namespace neffs::mount_helper
