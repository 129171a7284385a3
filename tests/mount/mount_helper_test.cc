// mount(8), umount(8) and lines of /etc/fstab, by the helper that the packages install.
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/mount/mount_namespace.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;

class MountHelperTest : public MountNamespaceTest {
 protected:
  MountHelperTest() {
    std::ofstream(scratch_ / "fstab").close();
    for (const std::string& directory : {cache_, users_cache_}) stdfs::create_directory(directory);
    stdfs::create_directory(scratch_ / "sbin");
  }
  void SetUp() override {
    if (!stdfs::exists("/etc/fstab")) GTEST_SKIP() << "there is no /etc/fstab to put another over";
    MountNamespaceTest::SetUp();
    if (IsSkipped()) return;
    for (const std::string& directory : {users_cache_, (scratch_ / "home").string()})
      ASSERT_EQ(::chown(directory.c_str(), kNobody, kNobody), 0);
  }

  // The helper is where mount(8) looks for it; what it writes down for umount(8) is kept in here.
  std::string more_commands() const override {
    return "mount --bind /usr/sbin $scratch/sbin; mount -t tmpfs -o mode=755 none /usr/sbin; "
           "ln -s $scratch/sbin/* /usr/sbin/; ln -s $scratch/neffs /usr/sbin/mount.neffs; "
           "ln -s $scratch/neffs /usr/sbin/mount.fuse.neffs; [ -x /sbin/mount.neffs ]; "
           "mount -t tmpfs -o mode=755 none /run; mkdir /run/mount; "
           "mount --bind $scratch/fstab /etc/fstab;";
  }

  void write_fstab(const std::vector<std::string>& lines) {
    std::ofstream fstab(scratch_ / "fstab");
    for (const auto& line : lines) fstab << line << " 0 0\n";
  }
  std::string line(const std::string& mountpoint, const std::string& options) const {
    return std::string(sample::kRepo) + " " + mountpoint + " neffs " + options;
  }
  Ended mount8(std::vector<std::string> words) const {
    words.insert(words.begin(), "mount");
    return inside(words);
  }
  // The flags of the mount, and what its filesystem says.
  std::string flags(const std::string& mountpoint) const {
    return inside({"findmnt", "-nro", "FSTYPE,SOURCE,VFS-OPTIONS", mountpoint}).out;
  }
  void expect_readable(const std::string& mountpoint) const {
    const std::string neff = mountpoint + "/" + sample::kTrainingModule + "/model.neff";
    EXPECT_EQ(inside({"sha256sum", neff}).out.substr(0, 64),
              sha256_hex(*text_content(sample::bytes_of(sample::kTrainingModule + "/model.neff"))));
  }
  void unmount8(const std::string& mountpoint) {
    const Ended ended = inside({"umount", mountpoint});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_FALSE(is_mounted(mountpoint));
    EXPECT_TRUE(eventually([&] { return daemons().empty(); }));
  }
  void kill_daemons() {
    for (const pid_t pid : daemons()) ::kill(pid, SIGKILL);
    EXPECT_TRUE(eventually([&] { return daemons().empty(); }));
  }

  const std::string cache_ = (scratch_ / "cache").string();
  const std::string users_cache_ = (scratch_ / "users").string();
  TestRepo& repo_ = sample::create(hub_);
};

TEST_F(MountHelperTest, MountsAndUnmounts) {
  for (const char* type : {"neffs", "fuse.neffs"}) {
    const Ended mounted = mount8({"-t", type, sample::kRepo, cache_, "-o", "push=none"});
    ASSERT_EQ(mounted.exit_code, 0) << mounted.err;
    EXPECT_EQ(flags(cache_).find("fuse.neffs " + std::string(sample::kRepo) + " rw,"), 0u)
        << flags(cache_);
    expect_readable(cache_);
    unmount8(cache_);
  }
}

// What is for the kernel gets there, what is for others does no harm, and what means nothing here is
// nothing to fail for.
TEST_F(MountHelperTest, OptionsOfEveryMount) {
  struct Row {
    std::string options;
    std::string flags;  // beside nosuid and nodev, which are always there
  };
  const std::vector<Row> rows = {
      {"defaults", "rw,nosuid,nodev,relatime"},
      {"rw,nofail,_netdev,noauto,auto,x-systemd.automount,x-systemd.requires=network-online.target,"
       "x-gvfs-show,X-mine=1,comment=hers",
       "rw,nosuid,nodev,relatime"},
      {"ro", "ro,nosuid,nodev,relatime"},
      {"suid,dev,exec,async", "rw,nosuid,nodev,relatime"},
      {"nosuid,nodev,noexec,noatime", "rw,nosuid,nodev,noexec,noatime"},
      {"sync,dirsync", "rw,nosuid,nodev,relatime"},
      {"user,exec", "rw,nosuid,nodev,relatime"},
      {"users", "rw,nosuid,nodev,noexec,relatime"},
      {"owner,group,nouser,nousers", "rw,nosuid,nodev,relatime"},
      {"relatime,strictatime,lazytime,nolazytime,norelatime,nostrictatime,diratime,nodiratime",
       "rw,nosuid,nodev,relatime"},
      {"iversion,noiversion,nomand,silent,loud", "rw,nosuid,nodev,relatime"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.options);
    const Ended mounted = mount8({"-t", "neffs", sample::kRepo, cache_, "-o", row.options});
    ASSERT_EQ(mounted.exit_code, 0) << mounted.err;
    EXPECT_EQ(flags(cache_), "fuse.neffs " + std::string(sample::kRepo) + " " + row.flags + "\n");
    unmount8(cache_);
  }
}

TEST_F(MountHelperTest, WhatIsWrongIsSaid) {
  struct Row {
    std::string options;
    std::string said;
  };
  const std::vector<Row> rows = {
      {"pol=3", "option pol: unknown (is poll meant?"},
      {"poll=often", "option poll=often: not a time in seconds"},
      {"remount", "option remount: the options of a mount stay as they are"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.options);
    const Ended ended = mount8({"-t", "neffs", sample::kRepo, cache_, "-o", row.options});
    EXPECT_NE(ended.exit_code, 0);
    EXPECT_NE(ended.err.find(row.said), std::string::npos) << ended.err;
    EXPECT_FALSE(is_mounted(cache_));
  }
}

TEST_F(MountHelperTest, LinesOfFstab) {
  write_fstab(
      {line(cache_, "_netdev,nofail,x-systemd.requires=network-online.target,noexec,push=none"),
       line(users_cache_, "noauto")});
  const Ended mounted = mount8({"--all"});
  ASSERT_EQ(mounted.exit_code, 0) << mounted.err;
  EXPECT_NE(flags(cache_).find("noexec"), std::string::npos) << flags(cache_);
  EXPECT_FALSE(is_mounted(users_cache_));
  expect_readable(cache_);
  // Again, it is there already.
  EXPECT_EQ(mount8({"--all"}).exit_code, 0);
  ASSERT_EQ(mount8({users_cache_}).exit_code, 0);
  expect_readable(users_cache_);
  EXPECT_EQ(inside({"umount", users_cache_}).exit_code, 0);
  unmount8(cache_);
}

TEST_F(MountHelperTest, ADeadMountIsMountedAnew) {
  write_fstab({line(cache_, "_netdev,nofail"), line(users_cache_, "user,noauto")});
  ASSERT_EQ(mount8({cache_}).exit_code, 0);
  kill_daemons();
  const Ended again = mount8({cache_});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_NE(again.err.find("the dead mount is detached"), std::string::npos) << again.err;
  expect_readable(cache_);
  unmount8(cache_);  // the dead one is not below it

  ASSERT_EQ(as_user({"mount", users_cache_}).exit_code, 0);
  kill_daemons();
  const Ended by_user = as_user({"mount", users_cache_});
  ASSERT_EQ(by_user.exit_code, 0) << by_user.err;
  EXPECT_EQ(as_user({"umount", users_cache_}).exit_code, 0);
  EXPECT_FALSE(is_mounted(users_cache_));
}

TEST_F(MountHelperTest, AnOrdinaryUserMountsWhatFstabAllows) {
  write_fstab({line(users_cache_, "user,noauto,_netdev"), line(cache_, "noauto")});
  const Ended mounted = as_user({"mount", users_cache_});
  ASSERT_EQ(mounted.exit_code, 0) << mounted.err;
  EXPECT_EQ(flags(users_cache_),
            "fuse.neffs " + std::string(sample::kRepo) + " rw,nosuid,nodev,noexec,relatime\n");
  const std::string neff = users_cache_ + "/" + sample::kTrainingModule + "/model.neff";
  EXPECT_EQ(as_user({"cat", neff}).out, sample::bytes_of(sample::kTrainingModule + "/model.neff"));
  const Ended unmounted = as_user({"umount", users_cache_});
  EXPECT_EQ(unmounted.exit_code, 0) << unmounted.err;
  EXPECT_FALSE(is_mounted(users_cache_));
  // Root's cache is not theirs to mount over.
  EXPECT_NE(as_user({"mount", cache_}).exit_code, 0);
  EXPECT_FALSE(is_mounted(cache_));
}

}  // namespace
}  // namespace neffs::test
