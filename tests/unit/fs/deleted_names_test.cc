// What is deleted or renamed here although a source has it stays away, and the source is not told.
#include <gtest/gtest.h>
#include <stdio.h>

#include "tests/unit/fs/cache_fs_kit.h"

namespace neffs::test {
namespace {

using Names = std::set<std::string>;

class DeletedTest : public CacheFsTest {
 protected:
  void commit_and_renew() {
    repo_.commit(files_);
    renew();
  }
};

TEST_F(DeletedTest, ARemoteFileIsGoneAndStaysGone) {
  mount_->unlink("README.md");
  EXPECT_FALSE(mount_->sees("README.md"));
  EXPECT_FALSE(mount_->list("").contains("README.md"));
  EXPECT_EQ(errno_in([&] { mount_->unlink("README.md"); }), ENOENT);
  renew();
  EXPECT_FALSE(mount_->sees("README.md")) << "after a remount";
  EXPECT_EQ(repo_.count(Call::Kind::kDownload), 0U);
}

TEST_F(DeletedTest, ANewVersionInTheSourceIsVisibleAgain) {
  mount_->unlink("README.md");
  files_["README.md"] = "a new version";
  commit_and_renew();
  EXPECT_EQ(mount_->read("README.md"), "a new version");
  mount_->settle();
  EXPECT_TRUE(is_local("README.md"));
}

TEST_F(DeletedTest, ACopyIsGoneAndStaysGone) {
  fetch_all(kModuleA);
  mount_->unlink(neff_);
  EXPECT_FALSE(mount_->sees(neff_));
  EXPECT_FALSE(is_local(neff_));
  EXPECT_EQ(mount_->state_of(neff_), "none");
  EXPECT_TRUE(mount_->sees(done_));
  renew();
  EXPECT_FALSE(mount_->sees(neff_));
}

TEST_F(DeletedTest, WhatIsWrittenOverARemoteFileLeavesNothingBehindWhenItGoes) {
  mount_->write("README.md", "mine");
  mount_->unlink("README.md");
  EXPECT_FALSE(mount_->sees("README.md"));
  mount_->write("README.md", "mine again");
  EXPECT_EQ(mount_->read("README.md"), "mine again");
  mount_->unlink("README.md");
  EXPECT_FALSE(mount_->sees("README.md"));
}

TEST_F(DeletedTest, ADeletedModuleIsEmptyWhenItIsMadeAgain) {
  mount_->remove_all(kModuleA);
  EXPECT_FALSE(mount_->sees(kModuleA));
  renew();
  EXPECT_FALSE(mount_->sees(kModuleA));
  mount_->make_directory(kModuleA);
  EXPECT_EQ(mount_->list(kModuleA), Names{});
  EXPECT_FALSE(mount_->sees(done_));
  mount_->write(neff_, "mine");
  mount_->unlink(neff_);
  EXPECT_EQ(mount_->list(kModuleA), Names{});
  EXPECT_TRUE(mount_->sees(kTraced + "/config.json")) << "its neighbours are as they were";
}

TEST_F(DeletedTest, ADeletedModuleComesBackWithAnyNewVersionOfIt) {
  mount_->remove_all(kModuleA);
  files_[neff_] = "another neff";
  commit_and_renew();
  EXPECT_EQ(mount_->read(neff_), "another neff");
  EXPECT_TRUE(mount_->sees(done_)) << "although this file is the same as before";
}

TEST_F(DeletedTest, DeletingTheOutputsOfALocalModuleDoesNotBringTheRemoteOneBack) {
  mount_->write(neff_, "mine");
  mount_->write(done_, "");
  mount_->unlink(done_);
  mount_->unlink(neff_);
  EXPECT_EQ(mount_->list(kModuleA), Names{});
  EXPECT_FALSE(mount_->sees(done_));
  EXPECT_FALSE(mount_->sees(kModuleA + "/compile_flags.json"));
}

TEST_F(DeletedTest, AModuleThatIsMovedAwayIsGone) {
  for (const auto& name : mount_->list(kModuleA)) mount_->write(kModuleA + "/" + name, "mine");
  const auto bad = kModuleA + ".bad";
  mount_->rename(kModuleA, bad);
  EXPECT_FALSE(mount_->sees(kModuleA));
  EXPECT_EQ(mount_->read(bad + "/model.neff"), "mine");
  mount_->rename(bad, kModuleA);
  EXPECT_EQ(mount_->read(neff_), "mine");
}

TEST_F(DeletedTest, AFolderOfModulesShowsThemWhenItIsMadeAgain) {
  fetch_all(kModuleA);
  mount_->remove_all(kVersion);
  EXPECT_FALSE(mount_->sees(kVersion));
  EXPECT_FALSE(mount_->list("").contains(kVersion));
  EXPECT_TRUE(tree_of(layer_.path()).empty());
  renew();
  EXPECT_FALSE(mount_->sees(kVersion));
  mount_->make_directory(kVersion);
  EXPECT_TRUE(mount_->sees(done_));
  EXPECT_EQ(mount_->read(neff_), files_[neff_]);
  EXPECT_TRUE(mount_->index->whiteouts().empty());
}

TEST_F(DeletedTest, EverythingCanBeDeleted) {
  fetch_all(kModuleA);
  mount_->write("mine", "x");
  for (const auto& name : mount_->list("")) {
    if (S_ISDIR(mount_->walk(name).st.st_mode))
      mount_->remove_all(name);
    else
      mount_->unlink(name);
  }
  EXPECT_EQ(mount_->list(""), Names{});
  EXPECT_TRUE(tree_of(layer_.path()).empty());
}

TEST_F(DeletedTest, OtherFoldersHideOnlyWhatWasDeletedInThem) {
  files_["configs/a.json"] = "a";
  files_["configs/b/c.json"] = "c";
  commit_and_renew();
  EXPECT_EQ(errno_in([&] { mount_->rmdir("configs"); }), ENOTEMPTY);
  mount_->remove_all("configs");
  EXPECT_FALSE(mount_->sees("configs"));
  mount_->make_directory("configs");
  EXPECT_EQ(mount_->list("configs"), Names{});
  files_["configs/new.json"] = "new";
  commit_and_renew();
  EXPECT_EQ(mount_->list("configs"), Names{"new.json"});
}

TEST_F(DeletedTest, RestoreBringsBackFilesModulesAndFolders) {
  mount_->unlink("README.md");
  EXPECT_EQ(mount_->fs->restore("README.md"), std::vector<std::string>{"README.md"});
  EXPECT_EQ(mount_->read("README.md"), "hello");
  EXPECT_TRUE(mount_->kernel.forgotten.contains("README.md"));
  EXPECT_TRUE(mount_->fs->restore("README.md").empty());

  mount_->remove_all(kModuleA);
  mount_->fs->restore(neff_);
  EXPECT_TRUE(mount_->sees(done_)) << "a module comes back whole";

  mount_->remove_all(kVersion);
  mount_->fs->restore("");
  EXPECT_TRUE(mount_->sees(done_));
}

TEST_F(DeletedTest, WhatIsBeingFetchedGetsNoNameAfterItWasDeleted) {
  repo_.hold([&](const Call& call) { return call.path == neff_; });
  const auto reply = std::make_shared<Caught<fs::Opened>>();
  mount_->fs->open(mount_->walk(neff_).node, O_RDONLY, kCaller, reply);
  mount_->unlink(neff_);
  repo_.release();
  const auto opened = reply->get();
  EXPECT_EQ(read_fd(mount_->fs->use(opened.handle).fd()), files_[neff_])
      << "as a file that was unlinked after it was opened";
  mount_->fs->release(opened.handle);
  mount_->settle();
  EXPECT_FALSE(is_local(neff_));
  EXPECT_TRUE(is_local(done_)) << "the rest of the module is not held up by it";
}

// The hit's other files arrive while the module is removed.
TEST_F(DeletedTest, AModuleThatIsRemovedWhileItArrivesLeavesNothing) {
  for (int round = 0; round < 20; ++round) {
    const auto path = kVersion + "/MODULE_" + std::to_string(1000 + round) + "+abcdef01";
    for (const auto& [name, bytes] : module_files(path)) files_[name] = bytes;
  }
  commit_and_renew();
  for (int round = 0; round < 20; ++round) {
    const auto module = kVersion + "/MODULE_" + std::to_string(1000 + round) + "+abcdef01";
    mount_->read(module + "/model.neff");
    mount_->remove_all(module);
    mount_->settle();
    ASSERT_FALSE(is_local(module)) << round;
    ASSERT_FALSE(mount_->sees(module)) << round;
  }
}

TEST_F(DeletedTest, RenamingARemoteFileBringsItsBytes) {
  mount_->rename("README.md", "READ.ME");
  EXPECT_EQ(mount_->read("READ.ME"), "hello");
  EXPECT_EQ(mount_->state_of("READ.ME"), "ours");
  EXPECT_FALSE(mount_->sees("README.md"));
  mount_->rename("READ.ME", "README.md");
  EXPECT_EQ(mount_->read("README.md"), "hello");
}

TEST_F(DeletedTest, RenamingACopyMakesItOurs) {
  fetch_all(kModuleA);
  mount_->rename(neff_, "other");
  EXPECT_EQ(mount_->read("other"), files_[neff_]);
  EXPECT_EQ(mount_->state_of("other"), "ours");
  EXPECT_FALSE(mount_->sees(neff_));
  mount_->write("mine", "x");
  mount_->rename("mine", "README.md", RENAME_EXCHANGE);
  EXPECT_EQ(mount_->read("mine"), "hello");
  EXPECT_EQ(mount_->read("README.md"), "x");
  EXPECT_EQ(
      errno_in([&] { mount_->rename("mine", kModuleA + "/compile_flags.json", RENAME_NOREPLACE); }),
      EEXIST);
}

// The kernel holds the folders' locks for so long; mv copies then.
TEST_F(DeletedTest, RenamingWaitsForTheHubOnlyShortly) {
  fs::FsOptions options;
  options.hub_timeout = std::chrono::milliseconds(50);
  renew(options);
  mount_->walk("README.md");
  repo_.hold([&](const Call& call) { return call.kind == Call::Kind::kDownload; });
  EXPECT_EQ(errno_in([&] { mount_->rename("README.md", "other"); }), EXDEV);
  EXPECT_EQ(errno_in([&] { mount_->link("README.md", "other"); }), EXDEV);
  repo_.release();
  mount_->settle();
  mount_->rename("README.md", "other");
  EXPECT_EQ(mount_->read("other"), "hello");
}

TEST_F(DeletedTest, DirectoriesThatAreNotWhollyLocalAreNotRenamed) {
  EXPECT_EQ(errno_in([&] { mount_->rename(kModuleA, kModuleB); }), EXDEV);
  fetch_all(kModuleA);
  EXPECT_EQ(errno_in([&] { mount_->rename(kModuleA, kModuleB); }), EXDEV);
  EXPECT_EQ(errno_in([&] { mount_->rename(kVersion, "other"); }), EXDEV);
  mount_->make_directory("mine");
  EXPECT_EQ(errno_in([&] { mount_->rename("mine", kModuleA); }), ENOTEMPTY);
  mount_->rename("mine", "other");
  EXPECT_TRUE(mount_->sees("other"));
}

TEST_F(DeletedTest, LinkingARemoteFileBringsItsBytes) {
  mount_->link("README.md", "other");
  EXPECT_EQ(mount_->read("other"), "hello");
  EXPECT_EQ(mount_->read("README.md"), "hello");
  EXPECT_EQ(mount_->walk("README.md").st.st_nlink, 2U);
}

TEST_F(DeletedTest, TheKernelForgetsWhatALocalOutputHides) {
  EXPECT_TRUE(mount_->sees(done_));
  mount_->write(kModuleA + "/compile_flags.json", "{}");
  EXPECT_TRUE(mount_->kernel.forgotten.empty());
  mount_->write(neff_, "mine");
  EXPECT_TRUE(mount_->kernel.forgotten.contains("model.done"));
  EXPECT_FALSE(mount_->sees(done_));
}

// Rows come before the unlink they are for.
TEST_F(DeletedTest, AKillBetweenTheRowAndTheUnlinkLosesNothing) {
  fetch_all(kModuleA);
  mount_->index->put_whiteout({neff_, fs::stamp_of(*mount_->view.peek_module(kModuleA))});
  renew();
  EXPECT_EQ(mount_->read(neff_), files_[neff_]);
  mount_->unlink(neff_);
  EXPECT_FALSE(mount_->sees(neff_));
}

// Its mark alone would be a module that looks finished.
TEST_F(DeletedTest, TheMarkIsNotChangedBeforeItsModuleIsHere) {
  struct stat wanted {};
  wanted.st_mode = 0664;
  mount_->setattr(mount_->walk(done_).node, fs::CacheFs::kMode, wanted);
  EXPECT_TRUE(is_local(neff_));
  EXPECT_EQ(mount_->walk(done_).st.st_mode & 07777, 0664U);
  mount_->setattr(mount_->walk(kTraced + "/config.json").node, fs::CacheFs::kMode, wanted);
  EXPECT_TRUE(is_local(kTraced + "/unet/model.neuron"));
}

TEST_F(DeletedTest, ARenamedFileIsOursFromItsFirstMomentOn) {
  mount_->write("model.neff.tmp", "mine");
  mount_->index->foretell_move("model.neff.tmp", "model.neff");  // and killed after the rename
  std::filesystem::rename(layer_ / "model.neff.tmp", layer_ / "model.neff");
  renew();
  EXPECT_EQ(mount_->state_of("model.neff"), "ours");
  EXPECT_EQ(mount_->read("model.neff"), "mine");
}

TEST_F(DeletedTest, ARenameThatFailsChangesNoRecord) {
  fetch_all(kModuleA);
  mount_->make_directory("dir");
  EXPECT_EQ(errno_in([&] { mount_->rename(neff_, "dir"); }), EISDIR);
  EXPECT_EQ(mount_->state_of(neff_), "copy");
  EXPECT_EQ(mount_->read(neff_), files_[neff_]);
}

TEST_F(DeletedTest, ASymlinkInAModuleHidesItAtOnce) {
  EXPECT_TRUE(mount_->sees(done_));
  mount_->fs->symlink("x", mount_->parent_of(neff_), "link", kCaller);
  EXPECT_TRUE(mount_->kernel.forgotten.contains("model.done"));
}

// Below the mount somebody has put another file in the place of the one that the kernel knows.
TEST_F(DeletedTest, AnotherFileInThePlaceOfAKnownOneIsNotOpened) {
  mount_->write("mine", "x");
  const auto node = mount_->walk("mine").node;
  write_file(layer_ / "secret", "of another user");
  std::filesystem::rename(layer_ / "secret", layer_ / "mine");
  EXPECT_EQ(errno_in([&] { mount_->open(node); }), ESTALE);
  EXPECT_EQ(errno_in([&] { mount_->open(node, O_WRONLY | O_TRUNC); }), ESTALE);
  struct stat wanted {};
  EXPECT_EQ(errno_in([&] { mount_->setattr(node, fs::CacheFs::kMode, wanted); }), ESTALE);
  EXPECT_EQ(read_file(layer_ / "mine"), "of another user");
}

TEST_F(DeletedTest, OthersAreToldOfChanges) {
  mount_->write(kModuleB + ".lock", "");
  EXPECT_TRUE(mount_->listener.locks.contains(kModuleB + ".lock"));
  mount_->write("mine", "x");
  mount_->rename("mine", "other");
  EXPECT_EQ(mount_->listener.moves["mine"], "other");
  mount_->listener.changes.clear();
  mount_->unlink("other");
  EXPECT_TRUE(mount_->listener.changes.contains("other"));
}

TEST_F(DeletedTest, AQuietRemovalSparesWhatIsInUse) {
  mount_->write("mine", "x");
  const auto id = fs::layer_id(*mount_->layer.stat("mine"));
  const auto opened = mount_->open(mount_->walk("mine").node);
  EXPECT_FALSE(mount_->fs->remove_quietly("mine", id));
  mount_->fs->release(opened.handle);
  EXPECT_FALSE(mount_->fs->remove_quietly("mine", {id.dev, id.ino + 1}));
  EXPECT_TRUE(mount_->fs->remove_quietly("mine", id));
  EXPECT_FALSE(mount_->sees("mine"));
  EXPECT_TRUE(mount_->kernel.forgotten.contains("mine"));
}

}  // namespace
}  // namespace neffs::test
