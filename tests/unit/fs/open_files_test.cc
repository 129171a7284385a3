// One way for an inode's data from its first open to its last release.
#include "fs/open_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <set>
#include <system_error>

#include "tests/unit/fs/fs_kit.h"

namespace neffs::test {
namespace {

using fs::OpenFiles;
using fs::UniqueFd;

class FakeBacking : public fs::BackingFiles {
 public:
  std::optional<std::int32_t> open(int) override {
    ++asked;
    if (refuse) return std::nullopt;
    live.insert(++last);
    return last;
  }
  void close(std::int32_t id) override { EXPECT_EQ(live.erase(id), 1U) << id; }

  bool refuse = false;
  int asked = 0;
  std::int32_t last = 0;
  std::set<std::int32_t> live;
};

class OpenFilesTest : public testing::Test {
 protected:
  OpenFilesTest() { write_file(directory_ / "f", "bytes"); }

  UniqueFd fd(int flags = O_RDONLY) const {
    return UniqueFd(::open((directory_ / "f").c_str(), flags | O_CLOEXEC));
  }

  TempDirectory directory_;
  FakeBacking backing_;
  OpenFiles files_{&backing_};
};

TEST_F(OpenFilesTest, OneBackingIdAnInode) {
  const auto first = files_.open(7, fd(), {});
  const auto second = files_.open(7, fd(), fd(O_RDWR));
  const auto third = files_.open_again(7);
  ASSERT_TRUE(third);
  EXPECT_NE(first.backing_id, 0);
  EXPECT_EQ(first.backing_id, second.backing_id);
  EXPECT_EQ(first.backing_id, third->backing_id);
  EXPECT_EQ(backing_.asked, 1);
  EXPECT_EQ(files_.size(), 3U);
  files_.release(first.handle);
  files_.release(third->handle);
  EXPECT_EQ(backing_.live.size(), 1U);
  files_.release(second.handle);
  EXPECT_TRUE(backing_.live.empty()) << "what was written to is not kept";
  EXPECT_EQ(files_.size(), 0U);
  EXPECT_FALSE(files_.open_again(7));
  EXPECT_NE(files_.open(7, fd(), {}).backing_id, first.backing_id);
}

TEST_F(OpenFilesTest, AnInodeThatWasReadAMomentAgoIsStillRegistered) {
  const auto first = files_.open(7, fd(), {});
  files_.release(first.handle);
  EXPECT_EQ(files_.size(), 0U);
  EXPECT_FALSE(files_.use_node(7)) << "it is not open";
  const auto again = files_.open_again(7);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->backing_id, first.backing_id);
  EXPECT_EQ(backing_.asked, 1);
  files_.let_go(7);
  EXPECT_EQ(backing_.live.size(), 1U) << "not while it is open";
  files_.release(again->handle);
  EXPECT_TRUE(backing_.live.empty());
  files_.let_go(7);
  files_.let_go(8);
}

TEST_F(OpenFilesTest, WhatChangedMeanwhileIsOpenedAnew) {
  struct stat st {};
  ASSERT_EQ(::stat((directory_ / "f").c_str(), &st), 0);
  const fs::CopyPromise promise{
      5, st.st_mtim.tv_sec * std::int64_t{1'000'000'000} + st.st_mtim.tv_nsec};
  files_.release(files_.open(7, fd(), {}, promise).handle);
  EXPECT_TRUE(files_.open_again(7)) << "unchanged";
  files_.release(1);
  write_file(directory_ / "f", "longer bytes");
  EXPECT_FALSE(files_.open_again(7));
  EXPECT_TRUE(backing_.live.empty());

  files_.release(files_.open(7, fd(), {}).handle);
  ASSERT_EQ(::unlink((directory_ / "f").c_str()), 0);
  EXPECT_FALSE(files_.open_again(7)) << "its name is gone";
}

TEST_F(OpenFilesTest, OnlySoManyInodesAreKept) {
  for (fs::NodeId node = 1; node <= 400; ++node) files_.release(files_.open(node, fd(), {}).handle);
  EXPECT_LE(backing_.live.size(), 256U);
  EXPECT_FALSE(files_.open_again(1)) << "the one closed first goes first";
  EXPECT_TRUE(files_.open_again(400));
}

TEST_F(OpenFilesTest, WhatWasRefusedIsCopiedForItsWholeOpenLife) {
  backing_.refuse = true;
  const auto first = files_.open(7, fd(), {});
  EXPECT_EQ(first.backing_id, 0);
  backing_.refuse = false;
  const auto second = files_.open(7, fd(), {});
  EXPECT_EQ(second.backing_id, 0);
  EXPECT_EQ(files_.open_again(7)->backing_id, 0);
  EXPECT_EQ(backing_.asked, 1);
  EXPECT_NE(files_.open(8, fd(), {}).backing_id, 0) << "another inode is another matter";
}

TEST_F(OpenFilesTest, EverythingStillOpenIsClosedAtTheEnd) {
  {
    OpenFiles files(&backing_);
    files.open(1, fd(), {});
    files.open(2, fd(), {});
    EXPECT_EQ(backing_.live.size(), 2U);
  }
  EXPECT_TRUE(backing_.live.empty());
}

TEST_F(OpenFilesTest, AHandleUsesItsOwnDescriptorOrTheInodes) {
  const auto reader = files_.open(7, fd(), {});
  const auto writer = files_.open(7, fd(), fd(O_RDWR));
  EXPECT_EQ(::fcntl(files_.use(reader.handle).fd(), F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_EQ(::fcntl(files_.use(writer.handle).fd(), F_GETFL) & O_ACCMODE, O_RDWR);
  ASSERT_TRUE(files_.use_node(7));
  EXPECT_FALSE(files_.use_node(8));
}

TEST_F(OpenFilesTest, ADescriptorInUseOutlivesItsRelease) {
  const auto opened = files_.open(7, fd(), fd(O_RDWR));
  const auto use = files_.use(opened.handle);
  const auto node = files_.use_node(7);
  files_.release(opened.handle);
  EXPECT_EQ(read_fd(use.fd()), "bytes");
  EXPECT_EQ(read_fd(node->fd()), "bytes");
}

TEST_F(OpenFilesTest, NumbersThatAreNoHandlesAreEbadf) {
  const auto opened = files_.open(7, fd(), {});
  files_.release(opened.handle);
  files_.release(opened.handle);  // a second release changes nothing
  files_.release(0);
  files_.release(99);
  for (const fs::HandleId handle : {fs::HandleId{0}, opened.handle, fs::HandleId{99}}) {
    try {
      files_.use(handle);
      ADD_FAILURE() << handle;
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code().value(), EBADF);
    }
  }
}

TEST_F(OpenFilesTest, AReusedNumberIsTheNewFilesOnly) {
  const auto old = files_.open(7, fd(), {});
  const auto use = files_.use(old.handle);
  files_.release(old.handle);
  write_file(directory_ / "g", "other");
  const auto reused =
      files_.open(8, UniqueFd(::open((directory_ / "g").c_str(), O_RDONLY | O_CLOEXEC)), {});
  EXPECT_EQ(reused.handle, old.handle);
  EXPECT_EQ(read_fd(files_.use(reused.handle).fd()), "other");
  EXPECT_EQ(read_fd(use.fd()), "bytes") << "who used the old one still does";
  EXPECT_EQ(files_.size(), 1U);
}

}  // namespace
}  // namespace neffs::test
