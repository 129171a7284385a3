// The filesystem over two sources: never mixed, whatever answers when.
#include "tests/unit/fs/cache_fs_kit.h"

namespace neffs::test {
namespace {

class UnionTest : public testing::Test {
 protected:
  ~UnionTest() override {
    first_.release();
    second_.release();
  }

  void mount(const fs::FsOptions& options = {}) {
    mount_.reset();
    mount_ = std::make_unique<Mount>(layer_, state_, first_, options, kSource, &second_);
  }
  // One of the sources alone.
  void mount_only(FakeRepo& repo, const fs::SourceName& name) {
    mount_.reset();
    mount_ = std::make_unique<Mount>(layer_, state_, repo, fs::FsOptions{}, name);
  }
  static FakeRepo::Files nothing() { return {{"README.md", "hello"}}; }
  static FakeRepo::Files module(const std::string& salt) {
    return module_files(kModuleA, salt) + nothing();
  }
  // Whose bytes the whole module has; "mixed" if that is nobody's.
  std::string whose() {
    std::set<std::string> salts;
    for (const auto& salt : {"one", "two", "three"}) {
      bool is_all = true;
      for (const auto& [path, bytes] : module_files(kModuleA, salt))
        is_all = is_all && mount_->sees(path) && mount_->read(path) == bytes;
      if (is_all) return salt;
    }
    return "mixed";
  }
  void move_heads() {
    for (auto* view : mount_->sources.views()) view->ask_head([](const std::exception_ptr&) {});
    mount_->settle();
  }
  std::string source_of(const std::string& path) const {
    const auto row = mount_->index->layer_file(path);
    return row ? row->source : "";
  }

  TempDirectory layer_;
  TempDirectory state_;
  FakeRepo first_;
  FakeRepo second_;
  std::unique_ptr<Mount> mount_;
  const std::string neff_ = kModuleA + "/model.neff";
  const std::string done_ = kModuleA + "/model.done";
};

TEST_F(UnionTest, FilesAreFetchedFromTheSourceThatTheyAreShownOf) {
  first_.commit(module_files(kModuleB, "one") + nothing());
  second_.commit(module("two"));
  mount();
  EXPECT_EQ(whose(), "two");
  EXPECT_EQ(mount_->read(kModuleB + "/model.neff"),
            module_files(kModuleB, "one").at(kModuleB + "/model.neff"));
  mount_->settle();
  EXPECT_EQ(source_of(neff_), kSecondSource.text());
  EXPECT_EQ(source_of(kModuleB + "/model.neff"), kSource.text());
  EXPECT_EQ(first_.count(Call::Kind::kDownload, neff_), 0U);
  EXPECT_EQ(second_.count(Call::Kind::kDownload, kModuleB + "/model.neff"), 0U);
}

TEST_F(UnionTest, TheFirstWins) {
  first_.commit(module("one"));
  second_.commit(module("two"));
  mount();
  EXPECT_EQ(whose(), "one");
  EXPECT_EQ(second_.count(Call::Kind::kDownload), 0U);
}

// What is here stays with its source for as long as that has the same; the rest comes from there, too.
TEST_F(UnionTest, AModuleThatWasBegunIsFinishedFromTheSameSource) {
  first_.commit(nothing());
  second_.commit(module("two"));
  mount();
  second_.hold(
      [&](const Call& call) { return call.kind == Call::Kind::kDownload && call.path != neff_; });
  EXPECT_EQ(mount_->read(neff_), module_files(kModuleA, "two").at(neff_));
  first_.commit(module("one"));
  for (auto* view : mount_->sources.views()) view->ask_head([](const std::exception_ptr&) {});
  mount_->askers->drain();
  second_.release();
  mount_->settle();
  EXPECT_EQ(whose(), "two");
  EXPECT_EQ(first_.count(Call::Kind::kDownload), 0U);
  mount();  // and after a restart
  EXPECT_EQ(whose(), "two");
}

TEST_F(UnionTest, ACopyFollowsItsSourceAndNoOther) {
  first_.commit(nothing());
  second_.commit(module("two"));
  mount();
  EXPECT_EQ(whose(), "two");
  mount_->settle();
  first_.commit(module("one"));
  move_heads();
  EXPECT_EQ(whose(), "two");
  second_.commit(module("three"));
  move_heads();
  EXPECT_EQ(whose(), "three");
  // Its source has it no more: the module is the first one's again, all of it.
  second_.commit(nothing());
  move_heads();
  EXPECT_EQ(whose(), "one");
  first_.commit(nothing());
  move_heads();
  EXPECT_FALSE(mount_->sees(done_));
}

TEST_F(UnionTest, AModuleThatIsGoneInItsSourceIsTheNextOnes) {
  first_.commit(module("one"));
  second_.commit(module("two"));
  mount();
  EXPECT_EQ(whose(), "one");
  mount_->settle();
  auto files = module("one");
  files.erase(done_);
  first_.commit(files);
  move_heads();
  EXPECT_EQ(whose(), "two");
}

// SEMANTICS 7: shown, and not remembered, because the first may have something else.
TEST_F(UnionTest, WhileTheFirstDoesNotAnswerTheSecondIsShownForTheMoment) {
  first_.commit(module("one"));
  second_.commit(module("two"));
  mount();
  first_.fail_with(hub::HubErrorKind::kUnavailable);
  const auto folder = mount_->walk(kModuleA);
  ASSERT_NE(folder.node, 0U);
  EXPECT_EQ(folder.entry_timeout_s, 0);
  const auto before = mount_->walk(neff_);
  ASSERT_NE(before.node, 0U);
  EXPECT_EQ(before.entry_timeout_s, 0);
  first_.fail_with(std::nullopt);
  EXPECT_TRUE(eventually([&] { return mount_->walk(neff_).entry_timeout_s > 0; }));
  const auto after = mount_->walk(neff_);
  EXPECT_NE(after.node, before.node);  // other bytes are another inode
  EXPECT_THROW(mount_->open(before.node), std::system_error);
  EXPECT_EQ(whose(), "one");
}

// An open decides for its module: the rest of it comes from there, although the first has it, too.
TEST_F(UnionTest, WhatWasOpenedWhileTheFirstWasAwayStaysWithTheSecond) {
  first_.commit(module("one"));
  second_.commit(module("two"));
  mount();
  first_.fail_with(hub::HubErrorKind::kUnavailable);
  EXPECT_EQ(mount_->read(neff_), module_files(kModuleA, "two").at(neff_));
  first_.fail_with(std::nullopt);
  ASSERT_TRUE(eventually([&] {
    mount_->view.ask(kModuleA, [](const std::exception_ptr&) {});
    mount_->settle();
    return mount_->view.peek(kModuleA).has_value();
  }));
  EXPECT_EQ(whose(), "two");
  EXPECT_EQ(first_.count(Call::Kind::kDownload), 0U);
}

// … but an open that failed decides nothing.
TEST_F(UnionTest, WhatCouldNotBeFetchedIsAnyones) {
  first_.commit(module("one"));
  second_.commit(module("two"));
  mount();
  first_.fail_with(hub::HubErrorKind::kUnavailable);
  const auto node = mount_->walk(neff_).node;
  ASSERT_NE(node, 0U);
  second_.fail_with(hub::HubErrorKind::kUnavailable);
  EXPECT_ANY_THROW(mount_->open(node));
  mount_->settle();
  first_.fail_with(std::nullopt);
  EXPECT_TRUE(eventually([&] { return mount_->walk(neff_).entry_timeout_s > 0; }));
  EXPECT_EQ(whose(), "one");
}

TEST_F(UnionTest, AMissWhileOneDoesNotAnswerIsNotRemembered) {
  first_.commit(nothing());
  second_.commit(nothing());
  mount();
  EXPECT_EQ(mount_->walk(kVersion).node, 0U);
  first_.fail_with(hub::HubErrorKind::kUnavailable);
  const auto entry = mount_->look_up(fs::kRootNode, kVersion);
  EXPECT_EQ(entry.node, 0U);
  first_.fail_with(std::nullopt);
  second_.commit(module("two"));
  move_heads();
  EXPECT_EQ(whose(), "two");
}

TEST_F(UnionTest, ADeletedModuleHidesThatOfEverySource) {
  first_.commit(module("one"));
  second_.commit(module("two"));
  mount();
  EXPECT_EQ(whose(), "one");
  mount_->sources.about(kModuleA, mount_->second_view.get())->start();
  mount_->settle();
  mount_->remove_all(kModuleA);
  EXPECT_FALSE(mount_->sees(kModuleA));
  first_.commit(nothing());
  move_heads();
  EXPECT_FALSE(mount_->sees(kModuleA));  // the second one's was there when it was deleted
  mount();
  EXPECT_FALSE(mount_->sees(kModuleA));
  second_.commit(module("three"));
  move_heads();
  EXPECT_EQ(whose(), "three");
}

TEST_F(UnionTest, RestoreBringsBackWhatIsShownNow) {
  first_.commit(nothing());
  second_.commit(module("two"));
  mount();
  EXPECT_EQ(whose(), "two");
  mount_->settle();
  mount_->remove_all(kModuleA);
  EXPECT_FALSE(mount_->sees(kModuleA));
  EXPECT_FALSE(mount_->fs->restore(kModuleA).empty());
  EXPECT_EQ(whose(), "two");
}

TEST_F(UnionTest, ALooseFileStaysWithItsSourceToo) {
  const std::string json = kVersion + "/0_REGISTRY/0.4.5/x.json";
  first_.commit(nothing());
  second_.commit(nothing() + FakeRepo::Files{{json, "two"}});
  mount();
  EXPECT_EQ(mount_->read(json), "two");
  mount_->settle();
  first_.commit(nothing() + FakeRepo::Files{{json, "one"}});
  move_heads();
  EXPECT_EQ(mount_->read(json), "two");
  second_.commit(nothing());
  move_heads();
  EXPECT_EQ(mount_->read(json), "one");
}

// Nobody follows what came from a source that is not mounted: it is as if it had been made here.
TEST_F(UnionTest, CopiesOfASourceThatIsNotMountedStay) {
  first_.commit(module("one"));
  second_.commit(module("two"));
  mount_only(second_, kSecondSource);
  EXPECT_EQ(whose(), "two");
  mount_only(first_, kSource);
  EXPECT_EQ(whose(), "two");
  mount();
  EXPECT_EQ(whose(), "two");
}

TEST_F(UnionTest, WhatWasPushedIsTheCopyOfThatSource) {
  first_.commit(nothing());
  second_.commit(nothing());
  mount();
  mount_->make_directory(kVersion);
  mount_->make_directory(kModuleA);
  for (const auto& [path, bytes] : module_files(kModuleA, "two")) mount_->write(path, bytes);
  EXPECT_EQ(whose(), "two");
  second_.commit(module("two"));
  move_heads();
  for (const auto& [path, bytes] : module_files(kModuleA, "two")) {
    mount_->index->forget_file(path);
    index::LayerFile copy;
    copy.path = path;
    copy.source = kSecondSource.text();
    copy.content = content_of(bytes).text();
    copy.size = bytes.size();
    ASSERT_TRUE(mount_->index->intend_copy(copy));
    const auto st = mount_->layer.stat(path);
    mount_->index->place_copy(path, bytes.size(), fs::mtime_ns(*st));
  }
  mount_->fs->became_copy(kModuleA);
  first_.commit(module("one"));
  move_heads();
  EXPECT_EQ(whose(), "two");
  second_.commit(nothing());
  move_heads();
  EXPECT_EQ(whose(), "one");
}

}  // namespace
}  // namespace neffs::test
