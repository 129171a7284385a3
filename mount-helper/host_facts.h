// What a mount needs of this host and of the Hub, as it is now.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "hub/environment.h"
#include "hub/hub_error.h"
#include "mount-helper/source.h"

namespace neffs::mount_helper {

struct HostFacts {
  bool is_root = false;
  bool has_device = false;       // /dev/fuse
  bool may_open_device = false;  // … by this user
  std::string fusermount;        // the program that mounts for ordinary users; "" if there is none
  bool allows_other = false;     // user_allow_other in /etc/fuse.conf
  std::string kernel;            // its release: "6.1.0-18-amd64"
  std::string fuse_library;      // "3.14.0"
  std::string disk;              // the type of the cache's filesystem, "ext4"; "" if unknown
  std::uint64_t free_bytes = 0;  // … for this user
  std::uint64_t disk_bytes = 0;
  // Where the compiler's wrapper looks for its cache, by its variables.
  std::string cc_flags;   // NEURON_CC_FLAGS
  std::string cache_url;  // NEURON_COMPILE_CACHE_URL
};

// Throws CommandError if /proc cannot be read.
HostFacts look_at_host(const std::filesystem::path& cache, const hub::Environment& environment);

// What the Hub says when it is asked for the head of a repo.
struct HubReach {
  std::string endpoint;
  std::string repo;                                 // "namespace/name@revision"
  std::string token;                                // where it is from; "anonymous"
  std::optional<hub::HubErrorKind> failure;         // nullopt: it answered
  std::string text;                                 // of the failure
  std::optional<std::chrono::seconds> ahead_of_us;  // its clock
  std::string user{};                               // whose the token is; "" without one
};

// One request, with a token two, each at most five seconds. Throws nothing that the Hub or the network does.
HubReach reach_hub(const Source& source, const hub::Environment& environment);

}  // namespace neffs::mount_helper
