// What the registry of a repo says of a model.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fs/registry.h"
#include "mount-helper/repo_reader.h"

namespace neffs::mount_helper {

struct RegistryFile {
  fs::RegistryPath path;
  hub::RemoteEntry file;  // its path is from the root of the repo
};

// A compiler folder, "neuronxcc-*", with the id of its tree.
std::vector<hub::RemoteEntry> compiler_folders(RepoReader& repo);
// The entries in the registry of one, none of which is read. A folder whose tree is known already takes no
// request.
std::vector<RegistryFile> registry_files(RepoReader& repo, const hub::RemoteEntry& folder);

struct WantedModel {
  std::string id;           // "namespace/name"; "" if it is a directory
  std::string config_text;  // of its config.json, else ""
};
struct FoundEntry {
  Source source;
  fs::RegistryEntry entry;
  std::vector<std::pair<std::string, std::string>> settings;
};
struct LookUp {
  bool has_registry = false;
  std::vector<FoundEntry> found;  // of the newest compiler and release first
};

// By its id: the entries under this name, and those of the same architecture where the registry is kept by
// that. A directory: all entries that its config.json fits. An entry that lies under two names is
// found once. Throws HubError.
//   next: told how many of the entries that may be meant are read, also before it throws
LookUp look_up(RepoReader& repo, const WantedModel& model, const fs::RegistryFilter& filter,
               const std::function<void(std::size_t read, std::size_t all)>& next);

// `config.json` of a directory. Throws CommandError where there is none that can be used.
std::string read_config(const std::string& directory);

}  // namespace neffs::mount_helper
