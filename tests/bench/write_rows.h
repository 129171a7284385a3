// The rows of the table that change things: what a compile, a sync, a clean-up and a listing cost.
#pragma once

#include <filesystem>
#include <string>

namespace neffs::test {

struct WriteRows {
  std::filesystem::path root;  // everything is made below it, and the caller removes it
  std::string source;          // what is mounted
  std::string version;         // a compiler folder
  bool is_quick = false;

  // The rows of one way of data, `options` being the mount's.
  void print(const std::string& options, bool passthrough) const;
  // How long `neffs mount` takes over a small and over a large cache directory.
  void print_start() const;
};

}  // namespace neffs::test
