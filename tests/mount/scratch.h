// A place of a test's own, that leaves nothing behind: no file, no mount, no process.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/mount/child.h"

namespace neffs::test {

// The processes that were started with variables(), and the mounts below path(), belong to it. When
// it ends it unmounts, kills and removes what is left; a guardian process does the same if the test
// is killed or aborts.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  // What every process of the test starts with: a home of its own, no proxy, reports of sanitizers
  // kept here.
  Variables variables() const;
  // What sanitizers have reported in those processes; "" if nothing.
  std::string sanitizer_reports() const;
  std::vector<pid_t> processes() const;
  std::vector<std::string> mounts() const;

 private:
  const std::filesystem::path path_;
  std::unique_ptr<Child> guardian_;
};

// For Scratch and its guardian: ends every process whose environment has NEFFS_TEST_SCRATCH=path,
// takes away every mount below the path, then removes it.
void clean_up(const std::string& path);

}  // namespace neffs::test
