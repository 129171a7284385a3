#include "mount-helper/mount_table.h"

#include <sys/sysmacros.h>

#include "mount-helper/state_directory.h"
#include "tests/unit/mount-helper/mount_helper_kit.h"

namespace neffs::test {
namespace {

using mount_helper::mount_at;
using mount_helper::mount_containing;
using mount_helper::mount_path;
using mount_helper::MountEntry;
using mount_helper::parse_mount_table;

constexpr const char* kTable =
    "22 1 259:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n"
    "30 22 0:26 / /mnt/with\\040blank\\011tab\\134slash rw - nfs4 server:/a\\040b rw,vers=4.2\n"
    "31 22 0:27 / /cache rw,nosuid shared:2 master:1 - fuse.neffs lab/cache@v1,team/x "
    "rw,user_id=0\n"
    "32 31 0:28 /sub /cache/deep rw - tmpfs none rw\n"
    "33 22 0:29 / /cache rw - fuse.neffs lab/other rw\n";

TEST(MountTable, LinesAreTakenApart) {
  const auto table = parse_mount_table(kTable);
  ASSERT_EQ(table.size(), 5U);
  EXPECT_EQ(table[0], (MountEntry{22, makedev(259, 1), "/", "ext4", "/dev/root"}));
  EXPECT_EQ(table[1],
            (MountEntry{30, makedev(0, 26), "/mnt/with blank\ttab\\slash", "nfs4", "server:/a b"}));
  EXPECT_EQ(table[2],
            (MountEntry{31, makedev(0, 27), "/cache", "fuse.neffs", "lab/cache@v1,team/x"}));
  EXPECT_EQ(table[3].mount_point, "/cache/deep");
}

TEST(MountTable, WhatCannotBeUnderstoodIsLeftOut) {
  for (const char* line :
       {"", "\n\n", "22 1 259:1 / / rw", "22 1 259:1 / / rw - ext4", "x 1 259:1 / / rw - ext4 d rw",
        "22 1 259 / / rw - ext4 d rw", "22 1 a:b / / rw - ext4 d rw", "22 1 259:1 / - ext4 d rw"}) {
    EXPECT_TRUE(parse_mount_table(line).empty()) << line;
  }
}

TEST(MountTable, TopmostMountCounts) {
  const auto table = parse_mount_table(kTable);
  EXPECT_EQ(mount_at(table, "/cache")->id, 33U);
  EXPECT_FALSE(mount_at(table, "/cach"));
  EXPECT_EQ(mount_containing(table, "/cache/a/b")->id, 33U);
  EXPECT_EQ(mount_containing(table, "/cache/deep/x")->id, 32U);
  EXPECT_EQ(mount_containing(table, "/cached")->id, 22U);
}

TEST(MountTable, PathsAreNamedAsTheTableDoes) {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory.path() / "real");
  std::filesystem::create_symlink("real", directory.path() / "link");
  const std::filesystem::path real = directory.path() / "real";
  EXPECT_EQ(mount_path(directory.path() / "link", {}), real);
  EXPECT_EQ(mount_path(directory.path() / "x/../real/", {}), real);
  EXPECT_EQ(mount_path(directory.path() / "missing", {}), directory.path() / "missing");
  // A name that the table has is not looked at: what is mounted there may not answer.
  const std::vector<MountEntry> table = {
      {1, 0, (directory.path() / "link").string(), "fuse.neffs", "lab/cache"}};
  EXPECT_EQ(mount_path(directory.path() / "link", table), directory.path() / "link");
}

TEST_F(MountingTest, IdsOfRealMounts) {
  const auto outside = mount_helper::mount_id_of(directory_.path());
  mount_tmpfs(directory_.path());
  const auto inside = mount_helper::mount_id_of(directory_.path());
  ASSERT_TRUE(inside);
  EXPECT_NE(inside, outside);
  const auto mounted = mount_at(mount_helper::read_mount_table(), directory_.path());
  ASSERT_TRUE(mounted);
  EXPECT_EQ(mounted->id, inside);
  EXPECT_EQ(mounted->type, "tmpfs");
  EXPECT_EQ(mount_helper::mount_id_of(directory_.open().get()), inside);
}

TEST(NetworkFilesystem, TypesThatLiveOnAnotherMachine) {
  for (const char* type :
       {"nfs", "nfs4", "cifs", "smb3", "9p", "lustre", "ceph", "gpfs", "beegfs", "fuse",
        "fuse.sshfs", "fuse.rclone", "fuse.mountpoint-s3", "fuse.neffs"}) {
    EXPECT_TRUE(mount_helper::is_network_filesystem(type)) << type;
  }
  for (const char* type : {"ext4", "xfs", "btrfs", "tmpfs", "overlay", "zfs", "f2fs", "fuseblk",
                           "fuse.fuse-overlayfs", "fuse.mergerfs"}) {
    EXPECT_FALSE(mount_helper::is_network_filesystem(type)) << type;
  }
}

TEST_F(MountingTest, LayerOnANetworkFilesystemIsRefused) {
  EXPECT_NO_THROW(mount_helper::check_layer_is_local(directory_.open().get(), "/here"));
  const fs::UniqueFd device = mount_silent(directory_.path());
  if (!device) GTEST_SKIP() << "no /dev/fuse: " << std::strerror(errno);
  const fs::UniqueFd layer(::open(directory_.path().c_str(), O_PATH | O_CLOEXEC));
  EXPECT_EQ(mount_helper::network_filesystem_of(layer.get()), "fuse.neffs");
  const Refusal refusal =
      refusal_of([&] { mount_helper::check_layer_is_local(layer.get(), "/here"); });
  EXPECT_THAT(refusal.text,
              testing::HasSubstr("layer /here: on a network filesystem (fuse.neffs)"));
  EXPECT_THAT(refusal.text, testing::HasSubstr("layer=DIR"));
}

}  // namespace
}  // namespace neffs::test
