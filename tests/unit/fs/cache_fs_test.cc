// What a path is: the layer first, then the source, and copies that follow their source.
#include <gtest/gtest.h>

#include <thread>

#include "tests/unit/fs/cache_fs_kit.h"

namespace neffs::test {
namespace {

using hub::HubErrorKind;
using std::chrono::milliseconds;

TEST_F(CacheFsTest, RemoteNamesLookAsPromised) {
  const auto file = mount_->walk(neff_);
  ASSERT_NE(file.node, 0U);
  EXPECT_EQ(file.st.st_mode, static_cast<mode_t>(S_IFREG | 0666));
  EXPECT_EQ(file.st.st_size, 3000 + static_cast<off_t>(kModuleA.size()));
  EXPECT_EQ(file.st.st_mtim.tv_sec, 1'700'000'000);
  EXPECT_GT(file.entry_timeout_s, 60);
  EXPECT_EQ(mount_->walk(kModuleA).st.st_mode, static_cast<mode_t>(S_IFDIR | 0777));
  EXPECT_EQ(mount_->walk(neff_).node, file.node);
  EXPECT_FALSE(mount_->sees(kModuleA + "/model.log"));
  EXPECT_FALSE(mount_->sees(kModuleB));
  EXPECT_FALSE(is_local(kVersion)) << "looking makes nothing";
  EXPECT_EQ(repo_.count(Call::Kind::kDownload), 0U);
}

TEST_F(CacheFsTest, OpeningFetchesTheFileAndWhatAHitReadsWithIt) {
  const auto before = mount_->walk(neff_);
  EXPECT_EQ(mount_->read(done_), "");
  mount_->settle();
  EXPECT_EQ(read_file(layer_ / neff_), files_[neff_]);
  EXPECT_TRUE(is_local(done_));
  EXPECT_FALSE(is_local(kModuleA + "/model.hlo_module.pb"));
  const auto after = mount_->walk(neff_);
  EXPECT_EQ(after.node, before.node);
  EXPECT_EQ(after.st.st_ino, before.st.st_ino);
  EXPECT_EQ(after.st.st_mode, before.st.st_mode);
  EXPECT_EQ(after.st.st_mtim.tv_sec, before.st.st_mtim.tv_sec);
  EXPECT_EQ(mount_->read(neff_), files_[neff_]);
  EXPECT_EQ(repo_.count(Call::Kind::kDownload, neff_), 1U);
}

TEST_F(CacheFsTest, LocalNamesWin) {
  write_file(layer_ / "README.md", "mine");
  EXPECT_EQ(mount_->read("README.md"), "mine");
  write_file(layer_ / neff_, "mine too");
  EXPECT_EQ(mount_->read(neff_), "mine too");
  EXPECT_FALSE(mount_->sees(done_)) << "a module is never mixed from two origins";
  EXPECT_EQ(mount_->list(kModuleA), std::set<std::string>{"model.neff"});
  EXPECT_EQ(repo_.count(Call::Kind::kDownload), 0U);
}

TEST_F(CacheFsTest, LocksAndInputsDoNotHideAFinishedModule) {
  mount_->write(kModuleA + "/model.hlo_module.pb.lock", "");
  mount_->write(kModuleA + "/model.hlo_module.pb", "mine");
  mount_->write(kModuleA + "/model.log", "Failed");
  EXPECT_TRUE(mount_->sees(done_));
  EXPECT_EQ(mount_->read(kModuleA + "/model.hlo_module.pb"), "mine");
  EXPECT_EQ(mount_->read(neff_), files_[neff_]);
  EXPECT_EQ(mount_->list(kModuleA),
            (std::set<std::string>{"compile_flags.json", "model.done", "model.hlo_module.pb",
                                   "model.hlo_module.pb.lock", "model.log", "model.neff"}));
  mount_->write(kModuleA + "/wrapped_neff.hlo", "an output");
  EXPECT_FALSE(mount_->sees(kModuleA + "/compile_flags.json"));
  EXPECT_EQ(mount_->state_of(kModuleA + "/wrapped_neff.hlo"), "ours");
}

TEST_F(CacheFsTest, TheTwinOfARemoteFolderKeepsNodeAndMode) {
  const auto before = mount_->walk(kModuleA);
  mount_->write(kModuleA + "/x.lock", "");
  const auto after = mount_->walk(kModuleA);
  EXPECT_EQ(after.node, before.node);
  EXPECT_EQ(after.st.st_ino, before.st.st_ino);
  EXPECT_EQ(after.st.st_mode, before.st.st_mode);
}

TEST_F(CacheFsTest, HostileNamesOfARepoAreNotThere) {
  for (const std::string name : {"..", "a\nb", ".cache", "x/y"})
    repo_.add_to_listing("", {name, hub::EntryKind::kFile, "oid", 1, content_of("x")});
  repo_.add_to_listing(kVersion, {"MODULE_\x01+abcdef01", hub::EntryKind::kDirectory, "o", 0, {}});
  repo_.add_to_listing(kModuleA, {"../../escape", hub::EntryKind::kFile, "o", 1, content_of("x")});
  fs::FsOptions all;
  all.list = fs::ListPolicy::kAll;
  renew(all);
  EXPECT_EQ(mount_->list(""), (std::set<std::string>{"README.md", kVersion}));
  EXPECT_EQ(mount_->list(kVersion).size(), 2U);
  fetch_all(kModuleA);
  EXPECT_FALSE(mount_->sees("MODULE_\x01+abcdef01"));
  EXPECT_FALSE(is_local("../escape"));
}

TEST_F(CacheFsTest, AFolderInTheRepoIsNoFileAndTheOtherWayRound) {
  EXPECT_FALSE(mount_->sees("README.md/below"));
  EXPECT_EQ(errno_in([&] { mount_->open(mount_->walk(kVersion).node); }), EISDIR);
  EXPECT_EQ(errno_in([&] { mount_->look_up(fs::kRootNode, std::string(256, 'x')); }), ENAMETOOLONG);
  EXPECT_FALSE(mount_->sees(std::string(255, 'x')));
}

TEST_F(CacheFsTest, TheNamesOfNeffsAreNobodysBusiness) {
  write_file(layer_ / ".cache/huggingface/neffs/index", "private");
  EXPECT_FALSE(mount_->sees(".cache"));
  EXPECT_FALSE(mount_->list("").contains(".cache"));
  const auto root = fs::kRootNode;
  mount_->write("mine", "x");
  for (const std::string name : {".cache", ".neffs-control"}) {
    EXPECT_EQ(errno_in([&] { mount_->fs->create(root, name, O_WRONLY, 0644, kCaller); }), EPERM);
    EXPECT_EQ(errno_in([&] { mount_->fs->mkdir(root, name, 0755, kCaller); }), EPERM);
    EXPECT_EQ(errno_in([&] { mount_->fs->symlink("x", root, name, kCaller); }), EPERM);
    EXPECT_EQ(errno_in([&] { mount_->link("mine", name); }), EPERM);
    EXPECT_EQ(errno_in([&] { mount_->fs->unlink(root, name); }), EPERM);
    EXPECT_EQ(errno_in([&] { mount_->fs->rmdir(root, name); }), EPERM);
    EXPECT_EQ(errno_in([&] { mount_->rename("mine", name); }), EPERM);
    EXPECT_EQ(errno_in([&] { mount_->rename(name, "mine"); }), EPERM);
  }
  EXPECT_EQ(read_file(layer_ / ".cache/huggingface/neffs/index"), "private");
}

// --- listings -------------------------------------------------------------------------------------

TEST_F(CacheFsTest, ACompilerFolderListsWhatIsUsedUnlessAllIsWanted) {
  mount_->make_directory(kModuleB);
  EXPECT_EQ(mount_->list(kVersion), std::set<std::string>{Mount::name_of(kModuleB)});
  EXPECT_EQ(mount_->list(""), std::set<std::string>{kVersion});
  EXPECT_EQ(mount_->list(kModuleA).size(), 4U);
  EXPECT_EQ(mount_->list(kTraced + "/unet"), std::set<std::string>{"model.neuron"});
  fs::FsOptions all;
  all.list = fs::ListPolicy::kAll;
  renew(all);
  EXPECT_EQ(mount_->list(kVersion).size(), 3U);
  EXPECT_EQ(mount_->list(""), (std::set<std::string>{"README.md", kVersion}));
}

TEST_F(CacheFsTest, AListingWithoutAHubIsThatOfThePlainDirectory) {
  repo_.fail_with(HubErrorKind::kUnavailable);
  write_file(layer_ / "mine", "x");
  renew();
  EXPECT_EQ(mount_->list(""), std::set<std::string>{"mine"});
}

TEST_F(CacheFsTest, RewindingShowsWhatHasChanged) {
  const auto reply = std::make_shared<Caught<fs::HandleId>>();
  mount_->fs->opendir(fs::kRootNode, kCaller, reply);
  const auto handle = reply->get();
  const auto count = [&] {
    std::uint64_t offset = 0;
    while (mount_->fs->readdir(handle, offset) != nullptr) ++offset;
    return offset;
  };
  EXPECT_EQ(count(), 1U);
  mount_->write("new", "x");
  EXPECT_EQ(count(), 2U);
  mount_->fs->releasedir(handle);
  EXPECT_EQ(errno_in([&] { mount_->fs->readdir(handle, 0); }), EBADF);
}

// --- when the Hub does not answer -------------------------------------------------------------------

TEST_F(CacheFsTest, ALookUpBecomesAMissInTimeAndIsNotRemembered) {
  fs::FsOptions options;
  options.hub_timeout = milliseconds(20);
  renew(options);
  repo_.hold();
  const auto first = mount_->look_up(fs::kRootNode, "README.md");
  EXPECT_EQ(first.node, 0U);
  EXPECT_EQ(first.entry_timeout_s, 0) << "the kernel must not remember it";
  // The next one does not wait at all.
  const auto reply = std::make_shared<Caught<fs::Entry>>();
  mount_->fs->lookup(fs::kRootNode, "README.md", kCaller, reply);
  EXPECT_EQ(reply->answers(), 1);
  EXPECT_EQ(reply->get().node, 0U);
  EXPECT_EQ(mount_->fs->counters().misses, 0U);
  repo_.release();
  EXPECT_TRUE(eventually([&] { return mount_->sees("README.md"); }));
}

TEST_F(CacheFsTest, AnOpenThatFailsIsAnErrorAndTheNextTriesAgain) {
  const auto node = mount_->walk(neff_).node;
  repo_.fail_with(HubErrorKind::kUnavailable);
  EXPECT_EQ(errno_in([&] { mount_->open(node); }), EIO);
  repo_.fail_with(HubErrorKind::kForbidden);
  EXPECT_EQ(errno_in([&] { mount_->open(node); }), EACCES);
  repo_.fail_with(std::nullopt);
  EXPECT_EQ(mount_->read(neff_), files_[neff_]);
}

TEST_F(CacheFsTest, LocalFilesNeverWaitForTheHub) {
  write_file(layer_ / neff_, "mine");
  repo_.hold();
  EXPECT_EQ(mount_->look_up(fs::kRootNode, kVersion).node, mount_->walk(kVersion).node);
  const auto reply = std::make_shared<Caught<fs::Opened>>();
  mount_->fs->open(mount_->walk(neff_).node, O_RDONLY, kCaller, reply);
  EXPECT_EQ(reply->answers(), 1);
  repo_.release();
}

TEST_F(CacheFsTest, TheEndAnswersEverythingThatIsParked) {
  const auto node = mount_->walk(neff_).node;
  repo_.hold();
  const auto open = std::make_shared<Caught<fs::Opened>>();
  const auto lookup = std::make_shared<Caught<fs::Entry>>();
  const auto opendir = std::make_shared<Caught<fs::HandleId>>();
  mount_->fs->open(node, O_RDONLY, kCaller, open);
  mount_->fs->lookup(mount_->nodes.lookup(fs::kRootNode, "d", {true, {}, "", 1, false}), "x",
                     kCaller, lookup);
  mount_->fs->opendir(mount_->walk(kTraced).node, kCaller, opendir);
  EXPECT_EQ(open->answers(), 0);
  repo_.release();
  mount_.reset();
  for (const int answers : {open->answers(), lookup->answers(), opendir->answers()})
    EXPECT_EQ(answers, 1);
}

// --- copies follow their source -------------------------------------------------------------------

TEST_F(CacheFsTest, ACopyThatChangedInTheSourceIsFetchedAgain) {
  fetch_all(kModuleA);
  mount_->read("README.md");
  mount_->settle();
  const auto old = files_;
  for (const auto& path : {neff_, std::string("README.md")}) files_[path] += " and more";
  repo_.commit(files_);
  renew();
  repo_.hold();
  for (const auto& path : {neff_, std::string("README.md")})
    EXPECT_EQ(mount_->walk(path).entry_timeout_s, 0) << "not compared yet: the kernel asks again";
  repo_.release();
  mount_->settle();
  for (const auto& path : {neff_, std::string("README.md")}) {
    EXPECT_EQ(mount_->read(path), files_[path]);
    mount_->settle();
    EXPECT_GT(mount_->walk(path).entry_timeout_s, 60);
  }
  EXPECT_EQ(read_file(layer_ / neff_), files_[neff_]);
  EXPECT_TRUE(is_local(done_));
  EXPECT_EQ(mount_->walk(neff_).st.st_size, static_cast<off_t>(files_[neff_].size()));
  EXPECT_NE(files_[neff_], old.at(neff_));
}

// The module is judged by the new commit while a file of the old one is on its way to its name.
TEST_F(CacheFsTest, ACopyThatComesLateIsJudgedToo) {
  for (auto moment : {&Mount::before_promise, &Mount::before_name}) {
    bool has_moved = false;
    (*mount_).*moment = [&](const std::string& path) {
      if (path != neff_ || std::exchange(has_moved, true)) return;
      files_[neff_] += " and more";
      repo_.commit(files_);
      mount_->view.ask_head([](const std::exception_ptr&) {});
      mount_->askers->drain();
      EXPECT_TRUE(mount_->sees(kModuleA + "/compile_flags.json"));
    };
    mount_->read(neff_);
    mount_->settle();
    (*mount_).*moment = nullptr;
    EXPECT_TRUE(has_moved);
    EXPECT_EQ(mount_->read(neff_), files_[neff_]);
    mount_->settle();
    EXPECT_EQ(read_file(layer_ / neff_), files_[neff_]);
    EXPECT_EQ(mount_->state_of(neff_), "copy");
    files_[neff_] = "another";
    repo_.commit(files_);
    mount_->view.ask_head([](const std::exception_ptr&) {});
    mount_->settle();
    EXPECT_TRUE(mount_->sees(done_));
    EXPECT_FALSE(is_local(neff_));
  }
}

// The kernel keeps sizes and pages by node: what it has looked up before the branch moved is looked up
// again before it is opened.
TEST_F(CacheFsTest, AnInodeNeverGetsTheBytesOfAnotherCommit) {
  const auto never_fetched = mount_->walk(neff_);
  const auto flags = mount_->walk(kModuleA + "/compile_flags.json");
  EXPECT_EQ(mount_->read("README.md"), "hello");
  mount_->settle();
  const auto copy = mount_->walk("README.md");
  for (const auto& path : {neff_, std::string("README.md")}) files_[path] += " and more";
  repo_.commit(files_);
  mount_->view.on_moved([this] { mount_->fs->source_moved(); });
  mount_->view.ask_head([](const std::exception_ptr&) {});
  mount_->settle();
  for (const auto node : {never_fetched.node, flags.node})
    EXPECT_EQ(errno_in([&] { mount_->open(node); }), ESTALE);
  for (const auto& path : {neff_, std::string("README.md")}) {
    EXPECT_EQ(mount_->read(path), files_[path]);
    EXPECT_EQ(mount_->walk(path).st.st_size, static_cast<off_t>(files_[path].size()));
  }
  EXPECT_NE(mount_->walk(neff_).node, never_fetched.node);
  EXPECT_NE(mount_->walk("README.md").node, copy.node);
  EXPECT_EQ(mount_->read(kModuleA + "/compile_flags.json"),
            files_[kModuleA + "/compile_flags.json"]);
}

TEST_F(CacheFsTest, ACopyThatIsGoneInTheSourceIsGone) {
  fetch_all(kModuleA);
  fetch_all(kTraced);
  mount_->read("README.md");
  mount_->settle();
  ASSERT_TRUE(is_local(kTraced + "/config.json"));
  repo_.commit({{kModuleB + "/model.neff", "x"}, {kModuleB + "/model.done", ""}});
  renew();
  mount_->sees("README.md");  // what is not compared yet is answered from here; then it is
  mount_->sees(kModuleA + "/model.done");
  mount_->sees(kTraced + "/config.json");
  mount_->settle();
  for (const auto& path :
       {std::string("README.md"), done_, neff_, kTraced + "/config.json", kTraced})
    EXPECT_FALSE(mount_->sees(path)) << path;
  EXPECT_FALSE(is_local(done_));
  EXPECT_FALSE(is_local(kTraced)) << "an empty folder would be taken for the export";
}

TEST_F(CacheFsTest, CopiesStayWithoutAHub) {
  fetch_all(kModuleA);
  repo_.commit({{"other", "x"}});
  repo_.fail_with(HubErrorKind::kUnavailable);
  renew();
  EXPECT_EQ(mount_->read(neff_), files_[neff_]);
  repo_.fail_with(HubErrorKind::kRepoNotFound);
  EXPECT_EQ(mount_->read(neff_), files_[neff_]);
}

TEST_F(CacheFsTest, CopiesOfAnotherSourceAreNotJudgedByThisOne) {
  fetch_all(kModuleA);
  FakeRepo other;
  other.commit({{kModuleA + "/model.neff", "another"},
                {kModuleA + "/model.done", ""},
                {kModuleA + "/wrapped_neff.hlo", "another"}});
  mount_.reset();
  Mount mount(layer_, state_, other, {}, {"http://hub.test", "else/where", "main"});
  EXPECT_EQ(mount.read(neff_), files_[neff_]);
  EXPECT_TRUE(is_local(done_));
  EXPECT_FALSE(mount.sees(kModuleA + "/wrapped_neff.hlo")) << "never mixed from two sources";
}

TEST_F(CacheFsTest, ADamagedCopyIsFetchedAgain) {
  fetch_all(kModuleA);
  const auto old = mount_->walk(neff_);
  write_file(layer_ / neff_, "short");
  EXPECT_EQ(errno_in([&] { mount_->open(old.node); }), ESTALE) << "the kernel looks it up again";
  EXPECT_FALSE(is_local(done_)) << "the mark goes first";
  EXPECT_EQ(mount_->read(neff_), files_[neff_]);
  EXPECT_NE(mount_->walk(neff_).node, old.node) << "other bytes are another node";
  mount_->settle();

  struct timespec times[2] = {{5, 0}, {5, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (layer_ / neff_).c_str(), times, 0), 0);
  EXPECT_EQ(mount_->read(neff_), files_[neff_]);
  EXPECT_EQ(repo_.count(Call::Kind::kDownload, neff_), 3U);
}

TEST_F(CacheFsTest, DamageIsFoundAlsoRightAfterTheFetch) {
  EXPECT_EQ(mount_->read("README.md"), "hello");
  mount_->settle();
  write_file(layer_ / "README.md", "damaged");
  EXPECT_EQ(mount_->read("README.md"), "hello");
}

// Whatever was done to it: it may be all that there is.
TEST_F(CacheFsTest, AChangedCopyThatCannotBeHadAgainStays) {
  fetch_all(kModuleA);
  mount_.reset();
  std::filesystem::last_write_time(layer_ / neff_, std::filesystem::file_time_type::clock::now());
  renew({}, {"http://other.example", "another/repo", "main"});
  EXPECT_EQ(mount_->read(neff_), files_[neff_]);
  EXPECT_EQ(mount_->state_of(neff_), "none") << "as one that was found here";
  EXPECT_TRUE(is_local(done_));
}

TEST_F(CacheFsTest, ACopyThatSomebodyWroteOverIsNotRemovedWithItsSource) {
  fetch_all(kModuleA);
  mount_.reset();
  write_file(layer_ / neff_, "compiled here while nothing was mounted");
  files_[neff_] = "a new version";
  repo_.commit(files_);
  renew();
  EXPECT_EQ(mount_->read(neff_), "compiled here while nothing was mounted");
}

TEST_F(CacheFsTest, TouchingACopyBesideItsReadersDamagesNothing) {
  fetch_all(kModuleA);
  const auto node = mount_->walk(neff_).node;
  std::jthread toucher([&] {
    struct stat wanted {};
    for (int i = 0; i < 200; ++i) {
      wanted.st_mtim.tv_sec = 1'600'000'000 + i;
      mount_->setattr(node, fs::CacheFs::kMtime, wanted);
    }
  });
  for (int i = 0; i < 200; ++i) {
    const auto opened = mount_->open(node, O_RDONLY);
    mount_->fs->release(opened.handle);
  }
  toucher.join();
  EXPECT_EQ(repo_.count(Call::Kind::kDownload, neff_), 1U);
}

TEST_F(CacheFsTest, AFileThatWasTouchedThroughTheMountIsNotDamaged) {
  fetch_all(kModuleA);
  const auto node = mount_->walk(neff_).node;
  const auto opened = mount_->open(node);
  struct stat wanted {};
  wanted.st_mtim.tv_sec = wanted.st_atim.tv_sec = 1'600'000'000;
  using fs::CacheFs;
  EXPECT_EQ(mount_->setattr(node, CacheFs::kMtime | CacheFs::kAtime, wanted).st_mtim.tv_sec,
            1'600'000'000);
  mount_->fs->release(opened.handle);
  EXPECT_EQ(mount_->read(neff_), files_[neff_]);
  EXPECT_EQ(repo_.count(Call::Kind::kDownload, neff_), 1U);
}

}  // namespace
}  // namespace neffs::test
