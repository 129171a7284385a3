// A repo of a lab, who may read and write it, and what a compiler leaves: for the commands of who publishes.
#pragma once

#include <filesystem>
#include <string>

#include "tests/mount/mount_test.h"

namespace neffs::test {

class LabCacheTest : public MountTest {
 protected:
  LabCacheTest() {
    hub_.add_token("hf_w", {.user = "ada", .roles = {{"lab/cache", Role::kWrite}}});
    hub_.add_token("hf_r", {.user = "bob", .roles = {{"lab/cache", Role::kRead}}});
  }

  // The mark comes last.
  static void compile_in(const std::filesystem::path& root, const std::string& module,
                         const std::string& neff = "neff") {
    std::filesystem::create_directories(root / module);
    write_file(root / module / "model.hlo_module.pb", std::string("\0hlo", 4) + module);
    write_file(root / module / "compile_flags.json", "[]");
    write_file(root / module / "model.neff", std::string("\0\1", 2) + neff);
    write_file(root / module / "model.done", "");
  }

  const std::string kOne = sample::kVersion + "/MODULE_11+e30acd3a";
  const std::string kTwo = sample::kVersion + "/MODULE_22+e30acd3a";
};

}  // namespace neffs::test
