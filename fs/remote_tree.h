// Listings of a repo, made fit to be shown: hostile names dropped, modules judged.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fs/cache_layout.h"
#include "fs/string_map.h"
#include "hub/remote_repo.h"
#include "index/index.h"

namespace neffs::fs {

// One name of a source, as it is shown here.
struct RemoteName {
  enum class Kind { kAbsent, kFile, kDirectory };
  Kind kind = Kind::kAbsent;
  std::uint64_t size = 0;
  std::string oid;         // directories: git's tree id, "" if not known
  hub::ContentId content;  // files
  const char* why = "";    // kAbsent: the reason, for `explain`

  static RemoteName absent(const char* why) { return {Kind::kAbsent, 0, {}, {}, why}; }
  static RemoteName directory(std::string oid) {
    return {Kind::kDirectory, 0, std::move(oid), {}, ""};
  }
};

// The children of one directory that is not inside a module.
struct DirectoryListing {
  StringMap<RemoteName> children;
  std::uint64_t skipped_names = 0;
};

// Everything a source has of one module, by path relative to the module; empty unless finished.
struct ModuleListing {
  Verdict verdict;
  PlacePlan plan;
  std::map<std::string, RemoteName, std::less<>> names;
  std::uint64_t skipped_names = 0;
};

// The forms of one listing: what the Hub says, what the index keeps.
index::TreeEntry to_index(const hub::RemoteEntry& entry);
std::vector<index::TreeEntry> to_index(const std::vector<hub::RemoteEntry>& entries);

// A listing of `directory`'s children. Locks are left out; hostile names, and the second of two equal
// ones, are left out and counted.
DirectoryListing show_directory(std::string_view directory,
                                const std::vector<index::TreeEntry>& entries);

// A listing of everything below `module` ("neuronxcc-…/MODULE_…"); folders are those that shown files
// need. A verdict of kProbeNeff shows
// the names as finished: who shows them to a reader has to probe first and may call hide().
ModuleListing show_module(std::string_view module, const std::vector<index::TreeEntry>& entries);
void hide(ModuleListing& listing, Verdict verdict);

// Changes whenever any file of the module does.
std::string stamp_of(const ModuleListing& listing);

// Splits a listing of everything below a compiler folder by module: name → entries, with paths
// relative to the module.
std::map<std::string, std::vector<index::TreeEntry>> by_module(
    const std::vector<index::TreeEntry>& entries);

}  // namespace neffs::fs
