// What is wrong with this host, and with the way to the Hub, and what mends it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mount-helper/findings.h"
#include "mount-helper/host_facts.h"

namespace neffs::mount_helper {

// What keeps a mount from being made or from working.
std::vector<Finding> find_host_trouble(const HostFacts& facts);
// That programs are told to use another cache than the one at `mount_point`, or none.
std::vector<Finding> find_stray_cache(const HostFacts& facts,
                                      const std::filesystem::path& mount_point);
std::vector<Finding> find_hub_trouble(const HubReach& reach);
// What works, but could be better.
std::vector<Finding> notes_of(const HostFacts& facts, const std::filesystem::path& mount_point);

// The directory that Neuron's wrapper uses by these variables; "" for none at all, and what begins with
// "s3://" is no directory.
std::string neuron_cache_of(const std::string& cc_flags, const std::string& cache_url);

}  // namespace neffs::mount_helper
