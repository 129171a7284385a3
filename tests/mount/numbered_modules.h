// A repo of a few modules that are told apart by a number: for the commands that are about copies.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/mount/mount_test.h"

namespace neffs::test {

inline constexpr std::size_t kNeffBytes = 300'000;

inline std::string module_path(int number) {
  return sample::kVersion + "/MODULE_" + std::to_string(4700 + number) + "+e30acd3a";
}

inline std::string neff_of(int number) {
  return module_path(number) + "/model.neff";
}

inline std::string neff_bytes(int number) {
  return std::string(kNeffBytes, static_cast<char>(number));
}

class NumberedModules : public MountTestBothWays {
 protected:
  // The numbers begin with 1.
  explicit NumberedModules(int count) {
    std::vector<NewFile> files;
    for (int number = 1; number <= count; ++number) {
      files.push_back({neff_of(number), neff_bytes(number), true});
      files.push_back({module_path(number) + "/model.done", ""});
    }
    repo_.commit(files);
  }

  std::unique_ptr<Mount> mount_cache(std::vector<std::string> options = {}) {
    options.insert(options.begin(), {way(), "min_free=0"});
    return mount_as({.source = "team/cache", .options = std::move(options)});
  }
  // Uses the module, and waits until the copy is whole.
  void use(const Mount& mounted, int number) {
    EXPECT_EQ(read_file(mounted / neff_of(number)).text, neff_bytes(number));
    EXPECT_TRUE(eventually([&] { return is_here(mounted, number); }));
  }
  static bool is_here(const Mount& mounted, int number) {
    return stat_error(mounted.layer(module_path(number) + "/model.done")) == 0;
  }
  std::size_t downloads_of(int number) {
    return hub_.traffic().count({.kind = Kind::kResolveGet, .text = neff_of(number)});
  }

  TestRepo& repo_ = hub_.create_repo("team/cache");
};

}  // namespace neffs::test
