#include "mount-helper/commands/umount.h"

#include <chrono>

#include "mount-helper/mount_table.h"
#include "tests/unit/mount-helper/mount_helper_kit.h"

namespace neffs::test {
namespace {

using mount_helper::umount_command;
using testing::HasSubstr;

class UmountTest : public MountingTest {
 protected:
  bool is_mounted() const {
    return mount_helper::mount_at(mount_helper::read_mount_table(), directory_.path()).has_value();
  }
  int umount(bool is_lazy) { return umount_command({directory_.path().string(), is_lazy}); }
};

TEST_F(UmountTest, OnlyNeffsMountsAreTouched) {
  EXPECT_THAT(refusal_of([&] { umount(false); }).text, HasSubstr(": not mounted"));
  mount_tmpfs(directory_.path());
  EXPECT_THAT(refusal_of([&] { umount(true); }).text, HasSubstr(": not a neffs mount but tmpfs"));
  EXPECT_TRUE(is_mounted());
}

TEST_F(UmountTest, DeadMountIsUnmounted) {
  fs::UniqueFd device = mount_silent(directory_.path());
  if (!device) GTEST_SKIP() << "no /dev/fuse: " << std::strerror(errno);
  device.reset();
  EXPECT_EQ(umount(false), 0);
  EXPECT_FALSE(is_mounted());
}

TEST_F(UmountTest, HoldersOfABusyMountAreNamed) {
  fs::UniqueFd device = mount_silent(directory_.path());
  if (!device) GTEST_SKIP() << "no /dev/fuse: " << std::strerror(errno);
  const Bystander holder([&] {
    device.reset();  // a second copy would keep the mount alive
    (void)::open(directory_.path().c_str(), O_PATH);
  });
  device.reset();
  const Refusal refusal = refusal_of([&] { umount(false); });
  EXPECT_THAT(refusal.text, HasSubstr("(pid " + std::to_string(holder.pid()) + ", open file)"));
  EXPECT_THAT(refusal.text, HasSubstr("--lazy"));
  EXPECT_EQ(refusal.exit_code, mount_helper::kFailure);
  EXPECT_TRUE(is_mounted());
  EXPECT_EQ(umount(true), 0);
  EXPECT_FALSE(is_mounted());
}

TEST_F(UmountTest, SilentMountIsDetachedOnRequest) {
  const fs::UniqueFd device = mount_silent(directory_.path());
  if (!device) GTEST_SKIP() << "no /dev/fuse: " << std::strerror(errno);
  EXPECT_EQ(umount(true), 0);
  EXPECT_FALSE(is_mounted());
}

}  // namespace
}  // namespace neffs::test
