// Disks that take no more: mounted read-only, or without an inode left. Each way has a disk of its
// own in memory, plain or as the layer of a mount.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <ostream>
#include <string>
#include <system_error>

#include "tests/mount/mount_test.h"
#include "tests/posix/calls.h"
#include "tests/posix/looks.h"
#include "tests/posix/tables.h"

namespace neffs::test::posix {
namespace {

struct Way {
  const char* name;
  const char* option;  // "" for the disk itself
};

void PrintTo(const Way& way, std::ostream* out) {
  *out << way.name;
}

class PosixDisk : public MountTest, public ::testing::WithParamInterface<Way> {
 protected:
  PosixDisk() { sample::create(hub_); }
  void TearDown() override {
    ::umount2(root_.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
    MountTest::TearDown();
  }

  static bool is_plain() { return GetParam().option == std::string(); }
  void make_disk(const char* options) {
    std::filesystem::create_directory(root_);
    if (::mount("tmpfs", root_.c_str(), "tmpfs", 0, options) != 0)
      throw std::system_error(errno, std::generic_category(), "mount tmpfs");
  }
  // Nothing if the disk itself is meant.
  std::unique_ptr<Mount> mount_over_it(std::vector<std::string> options) {
    if (is_plain()) return nullptr;
    options.emplace_back(GetParam().option);
    return mount_as({.options = std::move(options), .directory = "disk"});
  }
  void expect_all_well(const Steps& steps) {
    Place place(root_);
    for (const Step& step : steps) {
      const Outcome outcome = run({step}, place);
      EXPECT_TRUE(outcome.is_well()) << outcome.complaint;
    }
  }

  // The kernel tells the daemon a moment later that nobody holds what was removed.
  void expect_soon_well(const Step& step) {
    Place place(root_);
    Outcome outcome;
    EXPECT_TRUE(eventually([&] { return (outcome = run({step}, place)).is_well(); }))
        << outcome.complaint;
  }

  const std::filesystem::path root_ = scratch_ / "disk";
};

INSTANTIATE_TEST_SUITE_P(Ground, PosixDisk,
                         ::testing::Values(Way{"Plain", ""}, Way{"Passthrough", "passthrough=auto"},
                                           Way{"Copying", "passthrough=off"}),
                         [](const auto& param) { return std::string(param.param.name); });

Steps read_only_rules() {
  Steps steps;
  for (const Step& change : {creat("new"),
                             open("f", O_WRONLY),
                             open("f", O_RDWR),
                             open("f", O_RDONLY | O_TRUNC),
                             mkdir("new"),
                             rmdir("d"),
                             unlink("f"),
                             rename("f", "new"),
                             link("f", "new"),
                             symlink("f", "new"),
                             fifo("new"),
                             bind("new"),
                             chmod("f", 0600),
                             chown("f", 1, 1),
                             lchown("s", 1, 1),
                             utimens("f", 1, 2),
                             truncate("f", 0),
                             setxattr("f", "user.x", "y"),
                             removexattr("f", "user.kept"),
                             access("f", W_OK),
                             renameat2("f", "d", RENAME_EXCHANGE)})
    steps.push_back(fails(EROFS, change));
  steps.insert(steps.end(),
               {content("f", "text"), target("s", "f"), names("d", {}), access("f", R_OK),
                fails(EEXIST, mkdir("d")), open("f", O_CREAT | O_RDONLY),
                fails(EEXIST, open("f", O_CREAT | O_EXCL | O_RDONLY)), statfs("f"),
                fails(ENOENT, open("none", O_RDONLY)), attribute("f", "user.kept", "v"),
                hold("h", "f", O_RDONLY), flock("h", LOCK_EX), fsync("h")});
  return steps;
}

TEST_P(PosixDisk, ReadOnlyTakesNothing) {
  make_disk("size=8m");
  expect_all_well(
      {file("f", "text"), mkdir("d"), symlink("f", "s"), setxattr("f", "user.kept", "v")});
  if (is_plain()) {
    ASSERT_EQ(::mount(nullptr, root_.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  }
  const auto mounted = mount_over_it({"ro"});
  expect_all_well(read_only_rules());
}

// Takes every inode that is left.
Step fill() {
  return check("fill", [](Place&) -> std::string {
    for (int i = 0; i < 100'000; ++i)
      if (::mknod(("full-" + std::to_string(i)).c_str(), S_IFREG | 0644, 0) != 0)
        return errno == ENOSPC ? "" : std::generic_category().message(errno);
    return "it is never full";
  });
}

TEST_P(PosixDisk, WithoutInodesNothingIsMade) {
  make_disk("size=8m,nr_inodes=60");
  const auto mounted = mount_over_it({});
  expect_all_well({file("f", "text"), mkdir("d"), fill(), fails(ENOSPC, creat("new")),
                   fails(ENOSPC, mkdir("new")), fails(ENOSPC, symlink("f", "new")),
                   fails(ENOSPC, fifo("new")), fails(ENOSPC, bind("new")),
                   fails(ENOSPC, link("f", "new")), absent("new"), content("f", "text"),
                   append("f", " more"), rename("f", "d/f"), content("d/f", "text more"),
                   unlink("full-0")});
  expect_soon_well(mkdir("new"));
  expect_all_well({fails(ENOSPC, creat("newer")), rmdir("new")});
}

}  // namespace
}  // namespace neffs::test::posix
