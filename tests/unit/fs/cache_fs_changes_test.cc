// Changes: they happen in the layer, what they touch is ours, and what is refused has its errno.
#include <gtest/gtest.h>
#include <stdio.h>

#include <thread>

#include "tests/unit/fs/cache_fs_kit.h"

namespace neffs::test {
namespace {

using fs::CacheFs;

class ChangesTest : public CacheFsTest {
 protected:
  std::string append(fs::HandleId handle, const std::string& bytes) {
    const auto use = mount_->fs->use(handle);
    const auto end = ::lseek(use.fd(), 0, SEEK_END);
    EXPECT_EQ(::pwrite(use.fd(), bytes.data(), bytes.size(), end),
              static_cast<ssize_t>(bytes.size()));
    return read_fd(use.fd());
  }
};

TEST_F(ChangesTest, ANewFileIsOursFromItsFirstByteOn) {
  mount_->write("new", "bytes");
  EXPECT_EQ(mount_->state_of("new"), "ours");
  EXPECT_EQ(mount_->read("new"), "bytes");
  EXPECT_EQ(mount_->walk("new").st.st_uid, kCaller.uid);
  mount_->write("x.lock", "");
  EXPECT_EQ(mount_->state_of("x.lock"), "none") << "locks are nobody's";
  mount_->unlink("new");
  EXPECT_EQ(mount_->state_of("new"), "none");
  EXPECT_FALSE(mount_->sees("new"));
}

TEST_F(ChangesTest, AnExclusiveCreateFailsWhereANameIs) {
  mount_->write("mine", "x");
  const auto create = [&](const std::string& path) {
    return errno_in([&] {
      mount_->fs->create(mount_->parent_of(path), Mount::name_of(path), O_WRONLY | O_CREAT | O_EXCL,
                         0644, kCaller);
    });
  };
  EXPECT_EQ(create("mine"), EEXIST);
  EXPECT_EQ(create("README.md"), EEXIST) << "also where only the source has it";
  EXPECT_EQ(create(neff_), EEXIST);
  EXPECT_EQ(create(kModuleA + "/model.hlo_module.pb.lock"), 0);
  EXPECT_EQ(create(kModuleA + "/model.hlo_module.pb.lock"), EEXIST);
}

TEST_F(ChangesTest, WritingToARemoteFileMakesItOurs) {
  const auto opened = mount_->open(mount_->walk("README.md").node, O_RDWR);
  EXPECT_EQ(append(opened.handle, " world"), "hello world");
  mount_->fs->release(opened.handle);
  mount_->settle();
  EXPECT_EQ(mount_->state_of("README.md"), "ours");
  EXPECT_EQ(read_file(layer_ / "README.md"), "hello world");
  EXPECT_EQ(mount_->read("README.md"), "hello world");
}

TEST_F(ChangesTest, WritingToAStagedFileKeepsWhatIsWritten) {
  repo_.hold([&](const Call& call) { return call.path == neff_; });
  const auto node = mount_->walk(done_).node;
  const auto reader = mount_->open(node);  // staged: its NEFF is held back
  const auto writer = mount_->open(node, O_WRONLY);
  EXPECT_EQ(mount_->state_of(done_), "ours");
  EXPECT_EQ(::pwrite(mount_->fs->use(writer.handle).fd(), "mine", 4, 0), 4);
  mount_->fs->release(writer.handle);
  mount_->fs->release(reader.handle);
  repo_.release();
  mount_->settle();
  EXPECT_EQ(read_file(layer_ / done_), "mine");
  EXPECT_EQ(mount_->state_of(done_), "ours");
  EXPECT_EQ(mount_->read(done_), "mine");
}

TEST_F(ChangesTest, TruncatingARemoteFileFetchesNothing) {
  const auto before = mount_->walk("README.md").node;
  mount_->write("README.md", "mine");
  EXPECT_EQ(repo_.count(Call::Kind::kDownload), 0U);
  EXPECT_EQ(mount_->state_of("README.md"), "ours");
  EXPECT_EQ(mount_->walk("README.md").node, before) << "one file is one node";
  EXPECT_EQ(mount_->walk("README.md").st.st_mode & 0777, 0666U);
}

TEST_F(ChangesTest, TruncatingACopyThatSomeoneReadsMakesItOurs) {
  fetch_all(kModuleA);
  const auto node = mount_->walk(neff_).node;
  const auto reader = mount_->open(node);
  struct stat wanted {};
  EXPECT_EQ(mount_->setattr(node, CacheFs::kSize, wanted).st_size, 0);
  mount_->fs->release(reader.handle);
  EXPECT_EQ(mount_->state_of(neff_), "ours");
  EXPECT_EQ(mount_->read(neff_), "") << "not damaged, changed";
}

// A reader between the emptying and the record would take the file for a damaged copy.
TEST_F(ChangesTest, AWriterNeverLosesHisFileToAReader) {
  for (int round = 0; round < 30; ++round) {
    const std::string path = "file" + std::to_string(round);
    files_[path] = "remote " + path;
  }
  repo_.commit(files_);
  renew();
  for (int round = 0; round < 30; ++round) {
    const std::string path = "file" + std::to_string(round);
    mount_->read(path);
    mount_->settle();
    const auto node = mount_->walk(path).node;
    std::jthread reader([&] {
      for (int i = 0; i < 20; ++i) {
        const auto reply = std::make_shared<Caught<fs::Opened>>();
        mount_->fs->open(node, O_RDONLY, kCaller, reply);
        mount_->fs->release(reply->get().handle);
      }
    });
    const auto opened = mount_->open(node, O_WRONLY | O_TRUNC);
    EXPECT_EQ(::pwrite(mount_->fs->use(opened.handle).fd(), "mine", 4, 0), 4);
    mount_->fs->release(opened.handle);
    reader.join();
    ASSERT_EQ(read_file(layer_ / path), "mine") << round;
  }
}

TEST_F(ChangesTest, AnUnlinkedFileThatIsOpenGoesOn) {
  mount_->write("mine", "bytes");
  const auto node = mount_->walk("mine").node;
  const auto opened = mount_->open(node);
  mount_->unlink("mine");
  EXPECT_EQ(mount_->fs->getattr(node, std::nullopt).st.st_size, 5);
  const auto again = mount_->open(node, O_RDWR);
  EXPECT_EQ(append(again.handle, "!"), "bytes!");
  mount_->fs->release(opened.handle);
  mount_->fs->release(again.handle);
  EXPECT_EQ(mount_->fs->getattr(node, std::nullopt).st.st_nlink, 0U) << "until it is forgotten";
  mount_->fs->forget(node, 1000);
  EXPECT_EQ(errno_in([&] { mount_->fs->getattr(node, std::nullopt); }), ESTALE);
}

TEST_F(ChangesTest, AttributesOfARemoteFileAreChangedWhenItIsHere) {
  struct stat wanted {};
  wanted.st_mode = 0640;
  const auto node = mount_->walk("README.md").node;
  EXPECT_EQ(mount_->setattr(node, CacheFs::kMode, wanted).st_mode & 07777, 0640U);
  EXPECT_EQ(mount_->read("README.md"), "hello");
  EXPECT_EQ(mount_->state_of("README.md"), "copy") << "its bytes are still those of the source";
  EXPECT_EQ(mount_->walk("README.md").node, node);
  wanted.st_size = 2;
  EXPECT_EQ(mount_->setattr(mount_->walk(neff_).node, CacheFs::kSize, wanted).st_size, 2);
  EXPECT_EQ(mount_->read(neff_), files_[neff_].substr(0, 2));
  EXPECT_EQ(mount_->state_of(neff_), "ours");
}

TEST_F(ChangesTest, TruncatingARemoteFileByNameFetchesNothing) {
  struct stat wanted {};
  EXPECT_EQ(mount_->setattr(mount_->walk("README.md").node, CacheFs::kSize, wanted).st_size, 0);
  EXPECT_EQ(repo_.count(Call::Kind::kDownload), 0U);
  EXPECT_EQ(mount_->state_of("README.md"), "ours");
  EXPECT_EQ(mount_->read("README.md"), "");
}

TEST_F(ChangesTest, XattrsOfARemoteFileAreSetWhenItIsHere) {
  const auto node = mount_->walk("README.md").node;
  EXPECT_EQ(errno_in([&] { mount_->fs->open_for_xattr(node); }), ENODATA);
  const auto reply = std::make_shared<Caught<fs::Done>>();
  bool is_there = false;
  mount_->fs->change_xattr(
      node, kCaller, [&](int fd) { is_there = fd >= 0; }, reply);
  reply->get();
  EXPECT_TRUE(is_there);
  EXPECT_TRUE(is_local("README.md"));
}

TEST_F(ChangesTest, RenamesCarryTheirRecords) {
  mount_->make_directory("dir");
  mount_->write("dir/a", "a");
  write_file(layer_ / "held", "found here");
  mount_->rename("dir", "moved");
  EXPECT_EQ(mount_->state_of("moved/a"), "ours");
  EXPECT_EQ(mount_->state_of("dir/a"), "none");
  mount_->rename("moved/a", "held", RENAME_EXCHANGE);
  EXPECT_EQ(mount_->read("held"), "a");
  EXPECT_EQ(mount_->state_of("held"), "ours");
  EXPECT_EQ(mount_->state_of("moved/a"), "none") << "what was found here is not ours to publish";
  mount_->rename("held", "README.md");
  EXPECT_EQ(mount_->read("README.md"), "a");
  EXPECT_EQ(errno_in([&] { mount_->rename("README.md", "x", RENAME_WHITEOUT); }), EINVAL);
}

TEST_F(ChangesTest, AModuleRenamedIntoPlaceIsWhollyLocal) {
  EXPECT_TRUE(mount_->sees(done_));
  const auto temporary = kVersion + "/tmp_module";
  mount_->make_directory(temporary);
  mount_->write(temporary + "/model.neff", "mine");
  mount_->rename(temporary + "/model.neff", neff_);
  EXPECT_EQ(mount_->read(neff_), "mine");
  EXPECT_FALSE(mount_->sees(done_));
}

TEST_F(ChangesTest, LinksAndSymlinks) {
  mount_->write("mine", "x");
  const auto node = mount_->walk("mine").node;
  EXPECT_EQ(mount_->link("mine", "other").node, node);
  EXPECT_EQ(mount_->state_of("other"), "ours");
  EXPECT_EQ(mount_->walk("other").st.st_nlink, 2U);
  const auto link = mount_->fs->symlink("/etc/passwd", fs::kRootNode, "link", kCaller);
  EXPECT_EQ(mount_->fs->readlink(link.node), "/etc/passwd");
  EXPECT_TRUE(S_ISLNK(mount_->walk("link").st.st_mode));
  EXPECT_EQ(errno_in([&] { mount_->open(link.node); }), ELOOP);
}

TEST_F(ChangesTest, AttributesOfAFolderOfTheSourceGoToItsTwin) {
  struct stat wanted {};
  wanted.st_mode = 0700;
  const auto node = mount_->walk(kModuleA).node;
  EXPECT_EQ(mount_->setattr(node, CacheFs::kMode, wanted).st_mode & 07777, 0700U);
  EXPECT_EQ(mount_->walk(kModuleA).st.st_mode & 07777, 0700U);
  EXPECT_TRUE(mount_->sees(done_));
  EXPECT_EQ(mount_->setattr(fs::kRootNode, CacheFs::kMode, wanted).st_mode & 07777, 0700U);
}

TEST_F(ChangesTest, CreatingWhileAFetchRunsKeepsTheLocalFile) {
  for (int round = 0; round < 20; ++round) {
    const auto path = kVersion + "/MODULE_" + std::to_string(1000 + round) + "+abcdef01";
    for (const auto& [name, bytes] : module_files(path)) files_[name] = bytes;
  }
  repo_.commit(files_);
  renew();
  for (int round = 0; round < 20; ++round) {
    const auto module = kVersion + "/MODULE_" + std::to_string(1000 + round) + "+abcdef01";
    const auto path = module + "/model.neff";
    const auto node = mount_->walk(module + "/model.done").node;
    const auto reader = std::make_shared<Caught<fs::Opened>>();
    mount_->fs->open(node, O_RDONLY, kCaller, reader);
    mount_->write(path, "mine");
    mount_->fs->release(reader->get().handle);
    mount_->settle();
    ASSERT_EQ(read_file(layer_ / path), "mine") << round;
    ASSERT_EQ(mount_->state_of(path), "ours") << round;
  }
}

}  // namespace
}  // namespace neffs::test
