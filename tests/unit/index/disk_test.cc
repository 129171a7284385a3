// A disk that is full or cannot be written is no damage. The disk is a small tmpfs in a mount
// namespace of this process, so that it is gone when the process is.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "tests/unit/index/index_kit.h"

namespace neffs::test {
namespace {

using index::IndexErrorKind;
using index::TreeDepth;

class DiskTest : public IndexTest {
 protected:
  void SetUp() override {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", directory_.c_str(), "tmpfs", 0, "size=2m") != 0) {
      GTEST_SKIP() << "no right to mount a tmpfs: " << std::strerror(errno);
    }
    is_mounted_ = true;
  }

  void TearDown() override {
    if (!is_mounted_) return;
    EXPECT_EQ(::umount2(directory_.c_str(), MNT_DETACH), 0);
  }

  // Takes what is left of the disk.
  void fill() {
    const int fd = ::open(filler().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ASSERT_GE(fd, 0);
    const std::array<char, 4096> bytes{};
    while (::write(fd, bytes.data(), bytes.size()) > 0) continue;
    EXPECT_EQ(errno, ENOSPC);
    ::close(fd);
  }

  std::filesystem::path filler() const { return directory_ / "filler"; }
  bool is_mounted_ = false;
};

TEST_F(DiskTest, FullDiskIsSaidAndHealsByItself) {
  const auto index = open();
  index->put_tree("before", TreeDepth::kChildren, sample_tree(100, "a"));
  fill();
  EXPECT_EQ(
      kind_thrown([&] { index->put_tree("big", TreeDepth::kChildren, sample_tree(5'000, "b")); }),
      IndexErrorKind::kNoSpace);
  EXPECT_FALSE(index->tree("big", TreeDepth::kChildren));
  EXPECT_EQ(index->tree("before", TreeDepth::kChildren), sample_tree(100, "a"));

  std::filesystem::remove(filler());
  index->put_tree("after", TreeDepth::kChildren, sample_tree(100, "c"));
  index->sync();
  EXPECT_EQ(index->tree("after", TreeDepth::kChildren), sample_tree(100, "c"));
}

TEST_F(DiskTest, NothingIsSetAsideWhenOpenedOnAFullDisk) {
  run_and_kill([&] {
    const auto index = open();
    index->mark_ours("f");
    ::kill(::getpid(), SIGKILL);
  });
  fill();
  try {
    open();
  } catch (const index::IndexError& error) {
    EXPECT_EQ(error.kind, IndexErrorKind::kNoSpace) << error.what();
  }
  EXPECT_TRUE(set_aside().empty());
  std::filesystem::remove(filler());
  EXPECT_TRUE(open()->layer_file("f"));
  EXPECT_FALSE(report_.damaged_copy);
}

TEST_F(DiskTest, NewIndexOnAFullDiskIsNoSpace) {
  fill();
  EXPECT_EQ(kind_thrown([&] { open(); }), IndexErrorKind::kNoSpace);
  EXPECT_TRUE(set_aside().empty());
}

TEST_F(DiskTest, ReadOnlyDiskIsUnavailable) {
  open()->mark_ours("f");
  ASSERT_EQ(::mount("none", directory_.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  EXPECT_EQ(kind_thrown([&] { open(); }), IndexErrorKind::kUnavailable);
  ASSERT_EQ(::mount("none", directory_.c_str(), nullptr, MS_REMOUNT, nullptr), 0);
  EXPECT_TRUE(set_aside().empty());
  EXPECT_TRUE(open()->layer_file("f"));
}

// As the layer is: the index goes on working, with connections that are opened only then.
TEST_F(DiskTest, IndexNamedByDescriptorWorksWhileItsDirectoryIsMountedOver) {
  const int directory = ::open(directory_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  ASSERT_GE(directory, 0);
  file_ = "/proc/self/fd/" + std::to_string(directory) + "/index.sqlite";
  auto index = open();
  ASSERT_EQ(::mount("none", directory_.c_str(), "tmpfs", 0, "size=1m"), 0);
  index->mark_ours("f");
  EXPECT_TRUE(index->layer_file("f"));
  index->sync();
  index.reset();
  EXPECT_FALSE(std::filesystem::exists(file_.string() + "-wal"));
  EXPECT_TRUE(std::filesystem::is_empty(directory_)) << "nothing went into the mount";
  EXPECT_TRUE(open()->layer_file("f"));
  EXPECT_EQ(::umount2(directory_.c_str(), MNT_DETACH), 0);
  EXPECT_TRUE(std::filesystem::exists(directory_ / "index.sqlite"));
  ::close(directory);
}

TEST_F(IndexTest, MissingDirectoryIsUnavailable) {
  file_ = directory_ / "not" / "there" / "index.sqlite";
  EXPECT_EQ(kind_thrown([&] { open(); }), IndexErrorKind::kUnavailable);
}

// Root may write everywhere, so the directory belongs to another user here.
TEST_F(IndexTest, DirectoryWithoutPermissionIsUnavailable) {
  ASSERT_EQ(::chmod(directory_.c_str(), 0555), 0);
  run_and_kill([&] {
    if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) ::_exit(1);
    try {
      open();
    } catch (const index::IndexError& error) {
      if (error.kind == IndexErrorKind::kUnavailable) return;
    }
    ::_exit(2);
  });
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

}  // namespace
}  // namespace neffs::test
