// A mount to be measured, and the programs that a benchmark starts.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace neffs::test {

// Its exit code; what it prints is dropped.
int run_program(const std::vector<std::string>& arguments);

// Mounts on construction, which throws std::runtime_error; unmounts when it ends.
class Mounted {
 public:
  Mounted(const std::string& source, const std::filesystem::path& at, const std::string& options);
  ~Mounted();
  Mounted(const Mounted&) = delete;
  Mounted& operator=(const Mounted&) = delete;

 private:
  const std::filesystem::path at_;
};

}  // namespace neffs::test
