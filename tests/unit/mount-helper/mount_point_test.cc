#include "mount-helper/mount_point.h"

#include <sys/stat.h>

#include "mount-helper/mount_table.h"
#include "tests/unit/mount-helper/mount_helper_kit.h"

namespace neffs::test {
namespace {

using mount_helper::kDefaultMountPoint;
using mount_helper::MountPoint;
using mount_helper::prepare_mount_point;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class MountPointTest : public MountingTest {};

TEST(MountPoint, DirectoryIsTakenAsItIs) {
  const TemporaryDirectory directory;
  std::filesystem::create_symlink(directory.path(), directory.path() / "link");
  const MountPoint mount_point = prepare_mount_point(directory.path() / "link");
  EXPECT_EQ(mount_point.path, directory.path());
  EXPECT_FALSE(mount_point.was_created);
  EXPECT_THAT(mount_point.warnings, IsEmpty());
  EXPECT_GE(mount_point.directory.get(), 0);
}

TEST(MountPoint, MissingOneAndFileAreRefused) {
  const TemporaryDirectory directory;
  const auto missing = directory.path() / "missing";
  EXPECT_EQ(refusal_of([&] { prepare_mount_point(missing); }).text,
            missing.string() + ": there is no such directory (mkdir " + missing.string() + ")");
  write_file(directory.path() / "file", "x");
  EXPECT_THAT(refusal_of([&] { prepare_mount_point(directory.path() / "file"); }).text,
              HasSubstr(": not a directory"));
}

TEST(MountPoint, ProcessThatWorksInItIsNamed) {
  const TemporaryDirectory directory;
  const Bystander shell([&] {
    if (::chdir(directory.path().c_str()) != 0) ::_exit(1);
  });
  const MountPoint mount_point = prepare_mount_point(directory.path());
  EXPECT_THAT(mount_point.warnings, ElementsAre(HasSubstr("(pid " + std::to_string(shell.pid()) +
                                                          ", current directory)")));
}

TEST_F(MountPointTest, DefaultOneIsMadeForEverybody) {
  mount_tmpfs("/var/tmp");
  const mode_t old_mask = ::umask(077);
  const MountPoint mount_point = prepare_mount_point(kDefaultMountPoint);
  ::umask(old_mask);
  EXPECT_TRUE(mount_point.was_created);
  struct stat found {};
  ASSERT_EQ(::lstat(kDefaultMountPoint, &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0777U);
  EXPECT_FALSE(prepare_mount_point(kDefaultMountPoint).was_created);
}

TEST_F(MountPointTest, DeadMountsAreDetached) {
  for (int round = 0; round < 3; ++round) {
    fs::UniqueFd device = mount_silent(directory_.path());
    if (!device) GTEST_SKIP() << "no /dev/fuse: " << std::strerror(errno);
    device.reset();
  }
  const MountPoint mount_point = prepare_mount_point(directory_.path());
  EXPECT_EQ(mount_point.warnings.size(), 3U);
  EXPECT_FALSE(mount_helper::mount_at(mount_helper::read_mount_table(), directory_.path()));
}

// Whatever else is mounted there is a directory like any other.
TEST_F(MountPointTest, AnotherFilesystemMayBeMountedOver) {
  mount_tmpfs(directory_.path());
  EXPECT_THAT(prepare_mount_point(directory_.path()).warnings, IsEmpty());
}

}  // namespace
}  // namespace neffs::test
