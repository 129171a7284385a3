// How a view goes to another commit: with few questions, and never by a mistake.
#include <atomic>
#include <string>

#include "fs/head_poller.h"
#include "tests/unit/fs/view_kit.h"

namespace neffs::test {
namespace {

using Kind = fs::RemoteName::Kind;
using std::chrono::milliseconds;

class HeadTest : public RemoteViewTest {
 protected:
  HeadTest() {
    view_->on_moved([this] { ++moved_; });
    view_->connect();
    EXPECT_EQ(look_up(kModuleA + "/model.neff"), Kind::kFile);
    EXPECT_EQ(look_up(kModuleB), Kind::kAbsent);
    pool_->drain();
  }
  std::size_t asked(Call::Kind kind) const { return repo_.count(kind); }

  std::atomic<int> moved_{0};
};

TEST_F(HeadTest, AModuleOfOthersIsThereWithTheirCommit) {
  const auto lists = asked(Call::Kind::kList);
  const auto head = repo_.commit(module_files(kModuleA) + module_files(kModuleB) +
                                 FakeRepo::Files{{"README.md", "hello"}});
  EXPECT_EQ(look_up(kModuleB), Kind::kAbsent);
  EXPECT_FALSE(ask_head());
  EXPECT_EQ(view_->commit(), head);
  EXPECT_EQ(moved_, 1);
  EXPECT_EQ(look_up(kModuleB + "/model.neff"), Kind::kFile);
  // What has not changed is not asked for again, and neither is the folder.
  EXPECT_EQ(look_up(kModuleA + "/model.neff"), Kind::kFile);
  EXPECT_EQ(look_up(kVersion + "/MODULE_3333+abcdef01"), Kind::kAbsent);
  pool_->drain();
  EXPECT_EQ(asked(Call::Kind::kChanges), 1U);
  EXPECT_EQ(asked(Call::Kind::kList), lists + 1);
  EXPECT_EQ(index_->source(kSource.endpoint, kSource.repo, kSource.revision)->commit, head);
}

TEST_F(HeadTest, AModuleThatIsRemovedIsGone) {
  repo_.commit({{"README.md", "hello"}});
  EXPECT_FALSE(ask_head());
  EXPECT_EQ(look_up(kModuleA), Kind::kAbsent);
  EXPECT_EQ(look_up(kModuleA + "/model.neff"), Kind::kAbsent);
}

TEST_F(HeadTest, AModuleThatChangedIsShownAnew) {
  const auto changed = module_files(kModuleA, "other");
  repo_.commit(changed);
  EXPECT_FALSE(ask_head());
  EXPECT_EQ(look_up(kModuleA + "/model.neff"), Kind::kFile);
  EXPECT_EQ(view_->peek(kModuleA + "/model.neff")->content,
            content_of(changed.at(kModuleA + "/model.neff")));
  EXPECT_EQ(look_up("README.md"), Kind::kAbsent);
}

TEST_F(HeadTest, AnEntryOfTheRegistryDoesNotForgetTheModules) {
  const auto lists = asked(Call::Kind::kList);
  const auto entry = kVersion + "/0_REGISTRY/0.4.5/llama/org/model/0123456789abcdef0123.json";
  repo_.commit(module_files(kModuleA) + FakeRepo::Files{{entry, "{}"}, {"README.md", "hello"}});
  EXPECT_FALSE(ask_head());
  EXPECT_EQ(look_up(kModuleA), Kind::kDirectory);
  EXPECT_EQ(look_up(kVersion + "/MODULE_3333+abcdef01"), Kind::kAbsent);
  pool_->drain();
  EXPECT_EQ(asked(Call::Kind::kList), lists);
  EXPECT_EQ(look_up(entry), Kind::kFile);
}

// A squash leaves nothing to compare with; what is listed anew is not listed all the time.
TEST_F(HeadTest, WithoutBeingToldWhatChangedItIsListedAnewAndRarely) {
  repo_.tell_changes(false);
  const auto first = repo_.commit(module_files(kModuleB));
  EXPECT_FALSE(ask_head());
  EXPECT_EQ(view_->commit(), first);
  EXPECT_EQ(look_up(kModuleA), Kind::kAbsent);
  EXPECT_EQ(look_up(kModuleB), Kind::kDirectory);
  repo_.commit(module_files(kModuleA));
  EXPECT_FALSE(ask_head());
  EXPECT_EQ(view_->commit(), first);
  repo_.tell_changes(true);
  EXPECT_FALSE(ask_head());
  EXPECT_EQ(look_up(kModuleA), Kind::kDirectory);
}

TEST_F(HeadTest, FailuresRemoveNothing) {
  const auto commit = view_->commit();
  repo_.commit({});
  for (const auto kind : {hub::HubErrorKind::kUnauthorized, hub::HubErrorKind::kForbidden,
                          hub::HubErrorKind::kRepoNotFound, hub::HubErrorKind::kUnavailable}) {
    repo_.fail_with(kind);
    EXPECT_TRUE(ask_head());
    EXPECT_EQ(view_->commit(), commit);
    EXPECT_EQ(look_up(kModuleA + "/model.neff"), Kind::kFile);
  }
  EXPECT_EQ(moved_, 0);
}

// A Hub may tell an old head for some seconds after a commit: the module must not go again.
TEST_F(HeadTest, TheHeadBeforeAnOwnCommitIsNotGoneBackTo) {
  const auto before = view_->commit();
  const std::string own(40, 'e');
  EXPECT_TRUE(view_->take_over(before, own, {}));
  EXPECT_FALSE(ask_head());
  EXPECT_EQ(view_->commit(), own);
  EXPECT_EQ(asked(Call::Kind::kChanges), 0U);
}

// The Hub adds lines to it with a commit of ours: its new bytes are not asked for by their old hash.
TEST_F(HeadTest, WhatTheHubItselfWritesWithAnOwnCommitIsShown) {
  const auto before = repo_.commit({{".gitattributes", "old"}});
  EXPECT_FALSE(ask_head());
  EXPECT_EQ(look_up(".gitattributes"), Kind::kFile);
  const auto own = repo_.commit({{".gitattributes", "new"}});
  EXPECT_TRUE(view_->take_over(before, own, {}));
  EXPECT_EQ(look_up(".gitattributes"), Kind::kFile);
  EXPECT_EQ(view_->peek(".gitattributes")->content, content_of("new"));
}

TEST_F(HeadTest, OneQuestionForManyAskers) {
  const auto heads = asked(Call::Kind::kHead);
  repo_.hold();
  std::atomic<int> answered{0};
  for (int i = 0; i < 50; ++i) view_->ask_head([&](const std::exception_ptr&) { ++answered; });
  repo_.release();
  EXPECT_TRUE(eventually([&] { return answered == 50; }));
  EXPECT_EQ(asked(Call::Kind::kHead), heads + 1);
}

TEST_F(HeadTest, ItIsFreshAsLongAsItWasAskedForAMomentAgo) {
  EXPECT_TRUE(view_->is_fresh(std::chrono::hours(1)));
  EXPECT_TRUE(eventually([&] { return !view_->is_fresh(milliseconds(1)); }));
  EXPECT_FALSE(ask_head());
  EXPECT_TRUE(view_->is_fresh(std::chrono::hours(1)));
}

TEST_F(HeadTest, APinnedCommitIsNeverAskedAbout) {
  fs::RemoteView pinned({kSource.endpoint, kSource.repo, view_->commit()}, repo_, *index_, *pool_);
  pinned.connect();
  const auto heads = asked(Call::Kind::kHead);
  EXPECT_TRUE(pinned.is_pinned());
  EXPECT_TRUE(pinned.is_fresh(milliseconds(0)));
  bool is_answered = false;
  pinned.ask_head([&](const std::exception_ptr& error) { is_answered = !error; });
  EXPECT_TRUE(is_answered);
  EXPECT_EQ(asked(Call::Kind::kHead), heads);
}

TEST(HeadPollerTest, AsksAgainAndAgainUntilItIsStopped) {
  std::atomic<int> asked{0};
  fs::HeadPoller poller([&](milliseconds) { ++asked; }, milliseconds(1));
  EXPECT_TRUE(eventually([&] { return asked > 5; }));
  poller.stop();
  const int last = asked;
  EXPECT_EQ(asked, last);
  fs::HeadPoller slow([](milliseconds) {}, std::chrono::hours(1));  // ends at once all the same
}

TEST(HeadPollerTest, AnotherIntervalCountsAtOnce) {
  std::atomic<std::int64_t> told_ms{0};
  fs::HeadPoller poller([&](milliseconds every) { told_ms = every.count(); }, milliseconds(0));
  poller.set_interval(std::chrono::hours(1));
  poller.set_interval(milliseconds(2));
  EXPECT_TRUE(eventually([&] { return told_ms == 2; }));
  poller.set_interval(milliseconds(0));  // ends at once all the same
}

}  // namespace
}  // namespace neffs::test
