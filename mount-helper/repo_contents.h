// What a cache repo holds, compiler by compiler.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "mount-helper/registry_look_up.h"

namespace neffs::mount_helper {

struct ModelContents {
  std::uint64_t configurations = 0;
  std::vector<fs::RegistryEntry> entries;  // of the one model that was asked for
};

struct CompilerContents {
  std::string folder;            // "neuronxcc-2.21.33363.0+82129205"
  std::uint64_t modules = 0;     // finished
  std::uint64_t bytes = 0;       // of these
  std::uint64_t unfinished = 0;  // failed, locked or half: a mount hides them
  std::map<std::string, ModelContents> models;
  std::uint64_t unnamed = 0;  // configurations whose model only their texts tell
};

struct ContentsFilter {
  std::string model;    // "" for all; its entries are read
  std::string version;  // how the compiler's version begins; "" for all
};

// Of the newest compiler first. next: told of each folder before it is listed. Throws HubError.
std::vector<CompilerContents> contents_of(
    RepoReader& repo, const ContentsFilter& filter,
    const std::function<void(const std::string& folder)>& next);

}  // namespace neffs::mount_helper
