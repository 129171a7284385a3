// The fixture of tests whose layer lies on a disk of its own, and the changes that they make there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/mount/disk.h"
#include "tests/mount/mount_test.h"

namespace neffs::test {

inline constexpr std::uint64_t kMiB = 1U << 20;

// A change of names in a directory: what it gives (0 or errno), and whether it shows.
struct NameChange {
  std::string name;
  std::function<int(const std::filesystem::path& in)> run;
  std::function<bool(const std::filesystem::path& in)> has_happened;
};
// Create, mkdir, symlink, link and rename: to "new<number>", the last two from "old<number>".
std::vector<NameChange> name_changes(int number);

// 0 or errno of a call that gives a negative number when it fails.
int error_of(long result);
// … of writing all of it at the end of the file, in as many steps as that takes.
int append_error(const std::filesystem::path& file, std::string text);
bool is_there(const std::filesystem::path& path);

class BadLayerTest : public MountTestBothWays {
 protected:
  static inline const std::string kFetched = sample::kTransformerModule + "/model.neff";
  static inline const std::string kNotFetched = sample::kPreviousModule + "/model.neff";

  void TearDown() override;

  // Makes the disk for the layer, or skips the test: call NEFFS_USE_DISK.
  void use_disk(const std::string& type, std::uint64_t bytes);
  std::filesystem::path layer() const { return scratch_ / "layer"; }
  std::unique_ptr<Mount> mount_layer() { return mount({way(), "layer=" + layer().string()}); }
  // … with "held", which was there before the mount, "mine", which was not, an empty directory "d",
  // and the module of kFetched.
  std::unique_ptr<Mount> mount_with_files();
  // All of these have their bytes, and the daemon answers.
  static void expect_reads_go_on(const Mount& mounted);
  // In "d" a change happens as the mount and as the layer see it and gives 0, or happens for neither
  // and gives `error`.
  void expect_whole_or_nothing(const Mount& mounted, const NameChange& change, int error);

  TestRepo& repo_ = sample::create(hub_);
  std::unique_ptr<Disk> disk_;
};

#define NEFFS_USE_DISK(type, bytes) \
  use_disk(type, bytes);            \
  if (IsSkipped()) return

}  // namespace neffs::test
