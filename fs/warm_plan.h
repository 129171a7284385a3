// What is to be fetched ahead of time: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace neffs::fs {

// What is meant; each adds to it.
struct WarmOrder {
  std::vector<std::string>
      versions;                      // how compilers' versions begin, or the names of their folders
  std::vector<std::string> modules;  // paths, or bare names
  bool is_all = false;
};

// Whether the compiler's folder is one of these versions.
bool is_of_version(const std::vector<std::string>& versions, const std::string& folder);

struct WarmPlan {
  struct File {
    std::string path;
    std::uint64_t size = 0;
  };
  std::vector<File> files;              // that are not here, those of a module together
  std::uint64_t modules = 0;            // that they are of
  std::uint64_t bytes = 0;              // of these files
  std::uint64_t modules_here = 0;       // of which nothing is missing
  std::vector<std::string> meant;       // all of these modules, those that are here too
  std::vector<std::string> unknown;     // that were named, and nobody has
  std::vector<std::string> unanswered;  // of which not every source could tell
};

}  // namespace neffs::fs
