// A layer whose disk is read-only, damaged, gone, or another one than expected.
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <string>

#include "tests/mount/bad_layer.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;

constexpr const char* kState = ".cache/huggingface/neffs";

// --- read-only ------------------------------------------------------------------------------------

class ReadOnlyDisk : public BadLayerTest {};
NEFFS_BOTH_WAYS(ReadOnlyDisk);

TEST_P(ReadOnlyDisk, UnderTheDaemonReadsGoOn) {
  NEFFS_USE_DISK("ext4", 32 * kMiB);
  const auto mounted = mount_with_files();
  write_file(*mounted / "d/old1", "old");
  stdfs::create_directory(*mounted / "empty");
  const auto open = open_file(*mounted / "mine", O_RDWR | O_APPEND);
  disk_->become_read_only();
  EXPECT_EQ(error_of(::write(open.get(), "x", 1)), EROFS);
  for (const NameChange& change : name_changes(1))
    EXPECT_EQ(change.run(*mounted / "d"), EROFS) << change.name;
  EXPECT_EQ(open_error(*mounted / "mine", O_RDWR), EROFS);
  EXPECT_EQ(error_of(::truncate((*mounted / "mine").c_str(), 0)), EROFS);
  EXPECT_EQ(error_of(::chmod((*mounted / "mine").c_str(), 0600)), EROFS);
  EXPECT_EQ(error_of(::unlink((*mounted / "mine").c_str())), EROFS);
  EXPECT_EQ(error_of(::rmdir((*mounted / "empty").c_str())), EROFS);
  EXPECT_EQ(read_file(*mounted / kNotFetched).error, EROFS);
  EXPECT_EQ(names_in(*mounted / "d"), std::set<std::string>{"old1"});
  expect_reads_go_on(*mounted);
}

TEST_P(ReadOnlyDisk, FromTheStartItSaysSo) {
  NEFFS_USE_DISK("ext4", 32 * kMiB);
  const auto mountpoint = scratch_ / "mnt";
  stdfs::create_directory(mountpoint);
  for (const bool was_used : {false, true}) {
    if (was_used) mount_with_files();
    ASSERT_EQ(::mount(nullptr, disk_->root().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
    const Ended ended = neffs(
        {"mount", sample::kRepo, mountpoint.string(), "-o", "layer=" + disk_->root().string()});
    EXPECT_EQ(ended.exit_code, 1);
    for (const std::string& text :
         {disk_->root().string(), std::string("Read-only file system"), std::string("layer=DIR")})
      EXPECT_NE(ended.err.find(text), std::string::npos) << text << " is not in: " << ended.err;
    EXPECT_EQ(std::count(ended.err.begin(), ended.err.end(), '\n'), 1) << ended.err;
    ASSERT_EQ(::mount(nullptr, disk_->root().c_str(), nullptr, MS_REMOUNT, nullptr), 0);
  }
}

// --- damaged, gone --------------------------------------------------------------------------------

class DamagedDisk : public BadLayerTest {};
NEFFS_BOTH_WAYS(DamagedDisk);

// Only who reads or writes a bad block hears of it.
TEST_P(DamagedDisk, ABadBlockIsEioToWhoTouchesIt) {
  NEFFS_USE_DISK("ext4", 64 * kMiB);
  const auto mounted = mount_with_files();
  write_file(disk_->root() / "room", std::string(kMiB, 'r'));
  disk_->fill();  // its end is at the end of the device
  stdfs::remove(disk_->root() / "room");
  ASSERT_EQ(::rename((disk_->root() / "filler").c_str(), (disk_->root() / "victim").c_str()), 0);
  disk_->cut(48 * kMiB);
  const auto below = open_file(disk_->root() / "victim", O_RDWR);
  ASSERT_EQ(::posix_fadvise(below.get(), 0, 0, POSIX_FADV_DONTNEED), 0);

  const auto victim = *mounted / "victim";
  const Bytes before_it = read_file(victim);
  ASSERT_EQ(before_it.error, EIO);
  const auto bad = static_cast<off_t>(before_it.text.size() & ~std::size_t{4095});
  std::string block(4096, 'x');
  const auto file = open_file(victim, O_RDWR);
  EXPECT_EQ(error_of(::pread(file.get(), block.data(), block.size(), bad)), EIO);
  // Much at once: of the blocks that are read together with a bad one some may be good.
  const std::string much(4 * kMiB, 'x');
  EXPECT_EQ(error_of(::pwrite(file.get(), much.data(), much.size(), bad)), 0);
  EXPECT_EQ(error_of(::fsync(file.get())), EIO);
  EXPECT_EQ(error_of(::pread(file.get(), block.data(), block.size(), 0)), 0);
  const std::string map = "import mmap; file = open('" + victim.string() +
                          "', 'rb'); m = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ); "
                          "print(sum(m[::4096]))";
  EXPECT_EQ(command({"/usr/bin/python3", "-c", map}).exit_code, -SIGBUS);
  EXPECT_EQ(error_of(::unlink(victim.c_str())), 0);
  write_file(*mounted / "after", "a");
  expect_reads_go_on(*mounted);
}

// Nobody hangs, and the daemon can be told to end.
TEST_P(DamagedDisk, ADiskThatIsGoneIsEio) {
  for (const char* type : {"ext4", "xfs"}) {
    NEFFS_USE_DISK(type, 320 * kMiB);
    const auto mounted = mount_with_files();
    write_file(*mounted / "d/old1", "old");
    disk_->shut_down();
    for (const NameChange& change : name_changes(1))
      EXPECT_EQ(change.run(*mounted / "d"), EIO) << change.name << " on " << type;
    EXPECT_EQ(read_file(*mounted / "mine").error, EIO);
    EXPECT_EQ(append_error(*mounted / "held", "x"), EIO);
    EXPECT_EQ(read_file(*mounted / kNotFetched).error, EIO);
    EXPECT_EQ(mounted->status()["mounted"], true);
    EXPECT_EQ(mounted->unmount(), 0);
  }
}

// --- a layer on another filesystem than expected --------------------------------------------------

class OtherDisk : public BadLayerTest {};
NEFFS_BOTH_WAYS(OtherDisk);

TEST_P(OtherDisk, ServesAsALayer) {
  for (const char* type : {"tmpfs", "ext4", "xfs"}) {
    NEFFS_USE_DISK(type, 320 * kMiB);
    const auto mounted = mount_with_files();
    EXPECT_EQ(mounted->status()["passthrough"], std::string(GetParam()) == "auto") << type;
    write_file(*mounted / "d/old1", "old");
    for (const NameChange& change : name_changes(1)) {
      expect_whole_or_nothing(*mounted, change, 0);
      stdfs::remove(*mounted / "d/new1");
    }
    const auto file = open_file(*mounted / "mine", O_RDWR);
    EXPECT_EQ(error_of(::fsync(file.get())), 0);
    EXPECT_EQ(error_of(::fallocate(file.get(), FALLOC_FL_KEEP_SIZE, 0, kMiB)), 0);
    EXPECT_EQ(error_of(::fsetxattr(file.get(), "user.x", "1", 1, 0)), 0) << type;
    expect_reads_go_on(*mounted);
  }
}

// A fetched file is renamed from the state directory to its place, which no other disk allows.
class OtherStateDisk : public BadLayerTest {};
NEFFS_BOTH_WAYS(OtherStateDisk);

TEST_P(OtherStateDisk, IsRefusedAndNothingIsMounted) {
  const auto state = layer() / kState;
  stdfs::create_directories(state.parent_path());
  if (const std::string why = Disk::missing_for("tmpfs"); !why.empty()) GTEST_SKIP() << why;
  for (const mode_t mode : {0700, 0755}) {
    const Disk disk("tmpfs", kMiB, state);
    ASSERT_EQ(::chmod(state.c_str(), mode), 0);
    const auto mountpoint = scratch_ / "mnt";
    stdfs::create_directories(mountpoint);
    const Ended ended = neffs(
        {"mount", sample::kRepo, mountpoint.string(), "-o", way() + ",layer=" + layer().string()});
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_EQ(ended.err, "neffs: " + state.string() + ": on another filesystem than its layer " +
                             layer().string() +
                             ", which fetched files are renamed into (unmount what is mounted "
                             "there, or use another layer=DIR)\n");
    write_file(mountpoint / "plain", "p");  // into the directory itself
    EXPECT_EQ(names_in(mountpoint), std::set<std::string>{"plain"});
    EXPECT_EQ(error_of(::umount2(mountpoint.c_str(), UMOUNT_NOFOLLOW)), EINVAL);
    stdfs::remove(mountpoint / "plain");
  }
}

}  // namespace
}  // namespace neffs::test
