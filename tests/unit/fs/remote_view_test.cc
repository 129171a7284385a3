// What a view says without asking, what it asks, and what failures leave behind.
#include "fs/remote_view.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "tests/unit/fs/view_kit.h"

namespace neffs::test {
namespace {

using fs::RemoteName;
using fs::RemoteView;
using hub::HubErrorKind;
using Kind = RemoteName::Kind;
using std::chrono::milliseconds;

TEST_F(RemoteViewTest, PeekNeverAsks) {
  view_->connect();
  const auto calls = repo_.count();
  EXPECT_FALSE(view_->peek("README.md"));
  EXPECT_FALSE(view_->peek(kModuleA));
  EXPECT_FALSE(view_->peek(kModuleA + "/model.neff"));
  EXPECT_FALSE(view_->peek_children("", false));
  EXPECT_FALSE(view_->peek_children(kVersion, true));
  EXPECT_EQ(view_->peek_module(kModuleA), nullptr);
  EXPECT_EQ(view_->peek("")->kind, Kind::kDirectory);
  EXPECT_EQ(view_->peek("lock")->kind, Kind::kAbsent);
  EXPECT_EQ(view_->peek(kModuleA + "/x.lock")->kind, Kind::kAbsent);
  EXPECT_EQ(view_->peek(".cache")->kind, Kind::kAbsent);
  EXPECT_EQ(repo_.count(), calls);
}

TEST_F(RemoteViewTest, ShowsWhatTheRepoHas) {
  view_->connect();
  EXPECT_EQ(look_up("README.md"), Kind::kFile);
  EXPECT_EQ(look_up("nothing"), Kind::kAbsent);
  EXPECT_EQ(look_up(kVersion), Kind::kDirectory);
  EXPECT_EQ(look_up(kModuleA), Kind::kDirectory);
  EXPECT_EQ(look_up(kModuleB), Kind::kAbsent);
  EXPECT_EQ(look_up(kModuleA + "/model.neff"), Kind::kFile);
  EXPECT_EQ(look_up(kModuleA + "/model.log"), Kind::kAbsent);
  EXPECT_EQ(look_up("nothing/at/all"), Kind::kAbsent);
  EXPECT_EQ(look_up("README.md/below"), Kind::kAbsent);
  const auto neff = view_->peek(kModuleA + "/model.neff");
  EXPECT_EQ(neff->content, content_of(module_files(kModuleA)[kModuleA + "/model.neff"]));
  EXPECT_EQ(view_->commit_time_s(), 1'700'000'000);
}

TEST_F(RemoteViewTest, OneRequestForManyCallers) {
  view_->connect();
  repo_.hold();
  std::atomic<int> answered{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 32; ++i)
      threads.emplace_back([&] {
        view_->ask(kModuleA + "/model.done", [&](const std::exception_ptr& error) {
          EXPECT_FALSE(error);
          EXPECT_TRUE(view_->peek(kModuleA + "/model.done"));
          ++answered;
        });
      });
  }
  EXPECT_EQ(answered, 0);
  repo_.release();
  pool_->drain();
  EXPECT_EQ(answered, 32);
  EXPECT_EQ(repo_.count(Call::Kind::kList, kModuleA), 1U);
}

TEST_F(RemoteViewTest, AFolderThatWasListedAnswersEveryMiss) {
  view_->connect();
  ask("README.md");
  ask(kModuleA);
  const auto calls = repo_.count();
  for (int i = 0; i < 10'000; ++i) {
    const auto module = kVersion + "/MODULE_" + std::to_string(i) + "+00000000";
    ASSERT_EQ(view_->peek(module)->kind, Kind::kAbsent);
    ASSERT_EQ(view_->peek(module + "/model.done")->kind, Kind::kAbsent);
  }
  EXPECT_EQ(repo_.count(), calls);
}

TEST_F(RemoteViewTest, TheSecondLifeAsksForTheHeadOnly) {
  view_->connect();
  for (const auto& path : {std::string("README.md"), kModuleA, kModuleA + "/model.neff"})
    look_up(path);
  ask_children(kVersion, true);
  renew();
  const auto calls = repo_.count();
  view_->connect();
  EXPECT_EQ(view_->peek("README.md")->kind, Kind::kFile);
  EXPECT_EQ(view_->peek(kModuleA)->kind, Kind::kDirectory);
  EXPECT_EQ(view_->peek(kModuleA + "/model.neff")->kind, Kind::kFile);
  EXPECT_EQ(view_->peek(kModuleB)->kind, Kind::kAbsent);
  EXPECT_EQ(view_->peek_children(kVersion, false)->size(), 1U);
  EXPECT_EQ(repo_.count(), calls + 1);
  EXPECT_EQ(repo_.log().back(), "head ");
}

TEST_F(RemoteViewTest, AModuleAskedForBeforeItsFolderIsSavedWhenThatArrives) {
  view_->connect();
  look_up(kVersion);
  repo_.hold([&](const Call& call) { return call.path == kVersion; });
  std::atomic<bool> answered{false};
  view_->ask(kModuleA, [&](const std::exception_ptr&) { answered = true; });
  ASSERT_TRUE(eventually([&] { return answered.load(); })) << "it does not wait for the folder";
  EXPECT_EQ(view_->peek(kModuleA)->kind, Kind::kDirectory);
  EXPECT_FALSE(view_->peek(kModuleB));
  repo_.release();
  pool_->drain();
  renew();
  view_->connect();
  const auto calls = repo_.count();
  EXPECT_TRUE(view_->peek(kModuleA)) << "remembered";
  EXPECT_EQ(repo_.count(), calls);
}

TEST_F(RemoteViewTest, UnchangedTreesAreNotListedAgain) {
  view_->connect();
  const auto other = kOldVersion + "/MODULE_1+abcdef01";
  for (const auto& path : {std::string("README.md"), kModuleA, kModuleA + "/model.neff"})
    look_up(path);
  repo_.commit(module_files(kModuleA) + module_files(other) + FakeRepo::Files{{"README.md", "x"}});
  renew();
  view_->connect();
  EXPECT_EQ(repo_.count(Call::Kind::kInfo), 2U) << "a moved head";
  const auto lists = repo_.count(Call::Kind::kList);
  look_up("README.md");
  EXPECT_EQ(look_up(kModuleA + "/model.neff"), Kind::kFile);
  EXPECT_EQ(look_up(kModuleB), Kind::kAbsent);
  EXPECT_EQ(repo_.count(Call::Kind::kList), lists + 1) << "the root only";
}

TEST_F(RemoteViewTest, ListingsLeaveOutWhatIsNotFinished) {
  const auto broken = kVersion + "/MODULE_3333+abcdef01";
  repo_.commit(module_files(kModuleA) +
               FakeRepo::Files{{broken + "/model.log", "Failed compilation"},
                               {kVersion + "/MODULE_file", "a module that is a file"},
                               {kVersion + "/0_REGISTRY/x.json", "{}"},
                               {kVersion + "/stale.lock", ""}});
  view_->connect();
  const auto names = [&](const std::string& path, bool judged) {
    if (!view_->peek_children(path, judged)) ask_children(path, judged);
    const auto children = view_->peek_children(path, judged);
    std::set<std::string> result;
    for (const auto& [name, shown] : *children) result.insert(name);
    return result;
  };
  EXPECT_EQ(names(kVersion, true), (std::set<std::string>{"0_REGISTRY", "MODULE_1111+abcdef01"}));
  EXPECT_EQ(names(kVersion, false),
            (std::set<std::string>{"0_REGISTRY", "MODULE_1111+abcdef01", "MODULE_3333+abcdef01"}));
  EXPECT_EQ(names(kModuleA, true).size(), 4U);
  EXPECT_EQ(names(broken, true).size(), 0U);
  EXPECT_EQ(names("", true), std::set<std::string>{kVersion});
  EXPECT_EQ(look_up(kVersion + "/MODULE_file"), Kind::kAbsent);
  EXPECT_EQ(look_up(kVersion + "/MODULE_file/model.neff"), Kind::kAbsent);
  EXPECT_EQ(look_up(broken), Kind::kAbsent);
  EXPECT_EQ(look_up(broken + "/model.log"), Kind::kAbsent);
}

TEST_F(RemoteViewTest, AFullListingAnswersForItsModulesToo) {
  view_->connect();
  ask("README.md");
  ask_children(kVersion, true);
  const auto calls = repo_.count();
  EXPECT_EQ(look_up(kModuleA + "/model.neff"), Kind::kFile);
  EXPECT_EQ(look_up(kModuleB), Kind::kAbsent);
  EXPECT_EQ(repo_.count(), calls) << "a scan asks once, not once a module";
}

TEST_F(RemoteViewTest, ANeffOfAnOldCompilerIsProbedOnce) {
  const auto good = kOldVersion + "/MODULE_1+abcdef01";
  const auto bad = kOldVersion + "/MODULE_2+abcdef01";
  repo_.commit({{good + "/model.neff", std::string(2000, '\0')},
                {bad + "/model.neff", std::string(2000, 'x')},
                {"README.md", ""}});
  view_->connect();
  look_up("README.md");
  EXPECT_EQ(look_up(good + "/model.neff"), Kind::kFile);
  EXPECT_EQ(look_up(bad), Kind::kAbsent);
  EXPECT_EQ(look_up(bad + "/model.neff"), Kind::kAbsent);
  EXPECT_EQ(repo_.count(Call::Kind::kReadStart), 2U);
  pool_->drain();
  renew();
  view_->connect();
  EXPECT_EQ(view_->peek(good)->kind, Kind::kDirectory);
  EXPECT_EQ(view_->peek(bad)->kind, Kind::kAbsent);
  EXPECT_EQ(repo_.count(Call::Kind::kReadStart), 2U);
}

TEST_F(RemoteViewTest, AProbeThatFailsLeavesTheModuleUnknown) {
  const auto old = kOldVersion + "/MODULE_1+abcdef01";
  repo_.commit({{old + "/model.neff", std::string(2000, '\0')}});
  view_->connect();
  repo_.on_call([](const Call& call) {
    if (call.kind == Call::Kind::kReadStart) throw_hub_error(HubErrorKind::kUnavailable);
  });
  EXPECT_EQ(kind_of(ask(old)), HubErrorKind::kUnavailable);
  EXPECT_FALSE(view_->peek(old));
  repo_.fail_with(std::nullopt);
  EXPECT_TRUE(recovers(old));
  EXPECT_EQ(view_->peek(old)->kind, Kind::kDirectory);
}

// --- failures -------------------------------------------------------------------------------------

TEST_F(RemoteViewTest, AFailureIsNeverRememberedAsAbsence) {
  view_->connect();
  for (const auto kind :
       {HubErrorKind::kUnavailable, HubErrorKind::kThrottled, HubErrorKind::kUnauthorized,
        HubErrorKind::kRepoNotFound, HubErrorKind::kInvalidAnswer, HubErrorKind::kOffline}) {
    renew();
    view_->connect();
    repo_.fail_with(kind);
    EXPECT_EQ(kind_of(ask(kModuleA)), kind);
    EXPECT_FALSE(view_->peek(kModuleA)) << hub::to_string(kind);
    EXPECT_EQ(view_->peek_module(kModuleA), nullptr);
    repo_.fail_with(std::nullopt);
  }
}

TEST_F(RemoteViewTest, AHubThatFailsIsAskedRarelyAndNobodyWaits) {
  view_->connect();
  EXPECT_TRUE(view_->is_worth_waiting());
  repo_.fail_with(HubErrorKind::kUnavailable);
  ask(kModuleA);
  EXPECT_FALSE(view_->is_worth_waiting());
  EXPECT_STREQ(view_->status().state, "offline");
  const auto calls = repo_.count();
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(kind_of(ask(kModuleA)), HubErrorKind::kUnavailable);
  EXPECT_EQ(kind_of(ask("README.md")), HubErrorKind::kUnavailable) << "any name of the source";
  EXPECT_LE(repo_.count(), calls + 2) << "back-off";
  repo_.fail_with(std::nullopt);
  EXPECT_TRUE(recovers(kModuleA));
  EXPECT_TRUE(view_->is_worth_waiting());
  EXPECT_STREQ(view_->status().state, "ok");
  EXPECT_EQ(view_->peek(kModuleA)->kind, Kind::kDirectory);
}

TEST_F(RemoteViewTest, WhatSomebodyHasMendedIsAskedAtOnce) {
  view_->connect();
  repo_.fail_with(HubErrorKind::kUnavailable);
  ask(kModuleA);
  repo_.fail_with(std::nullopt);
  view_->note_slow();  // the back-off begins anew
  EXPECT_TRUE(ask(kModuleA));
  view_->try_again();
  EXPECT_FALSE(ask(kModuleA));
  EXPECT_STREQ(view_->status().state, "ok");
}

TEST_F(RemoteViewTest, AnAnswerThatMakesNoSenseConcernsItsNameOnly) {
  view_->connect();
  repo_.on_call([](const Call& call) {
    if (call.path == kModuleA) throw_hub_error(HubErrorKind::kInvalidAnswer);
  });
  EXPECT_EQ(kind_of(ask(kModuleA)), HubErrorKind::kInvalidAnswer);
  EXPECT_TRUE(view_->is_worth_waiting());
  EXPECT_EQ(look_up("README.md"), Kind::kFile);
  EXPECT_EQ(look_up(kModuleB), Kind::kAbsent);
  const auto calls = repo_.count(Call::Kind::kList, kModuleA);
  for (int i = 0; i < 100; ++i) ask(kModuleA);
  EXPECT_LE(repo_.count(Call::Kind::kList, kModuleA), calls + 1);
}

// A name that is in its own back-off must not use up the probe of the whole source.
TEST_F(RemoteViewTest, OneBadNameDoesNotKeepTheSourceAway) {
  view_->connect();
  repo_.on_call([](const Call& call) {
    if (call.path == kModuleA) throw_hub_error(HubErrorKind::kInvalidAnswer);
  });
  ask(kModuleA);
  for (int i = 0; i < 3; ++i) {  // its back-off is longer than that of the source now
    const auto calls = repo_.count(Call::Kind::kList, kModuleA);
    ASSERT_TRUE(eventually([&] {
      ask(kModuleA);
      return repo_.count(Call::Kind::kList, kModuleA) > calls;
    })) << i;
    if (i == 1) break;
  }
  view_->note_slow();
  EXPECT_TRUE(eventually([&] {
    ask(kModuleA);
    return !ask("README.md");
  }));
}

TEST_F(RemoteViewTest, ASlowLookUpIsTheLastOneThatWaits) {
  view_->connect();
  repo_.hold();
  std::atomic<bool> answered{false};
  view_->ask("README.md", [&](const std::exception_ptr&) { answered = true; });
  view_->note_slow();
  EXPECT_FALSE(view_->is_worth_waiting());
  EXPECT_STREQ(view_->status().state, "offline");
  repo_.release();
  ASSERT_TRUE(eventually([&] { return answered.load(); }));
  EXPECT_TRUE(view_->is_worth_waiting());
  EXPECT_STREQ(view_->status().state, "ok");
}

TEST_F(RemoteViewTest, ADefiniteRefusalIsThrownAtConnect) {
  for (const auto kind :
       {HubErrorKind::kRepoNotFound, HubErrorKind::kRevisionNotFound, HubErrorKind::kUnauthorized,
        HubErrorKind::kForbidden, HubErrorKind::kGated, HubErrorKind::kDisabled}) {
    repo_.fail_with(kind);
    EXPECT_THROW(view_->connect(), hub::HubError) << hub::to_string(kind);
    renew();
  }
}

TEST_F(RemoteViewTest, WithoutAHubTheLastCommitIsUsed) {
  view_->connect();
  look_up("README.md");
  const auto commit = view_->commit();
  repo_.commit({{"other", "x"}});
  repo_.fail_with(HubErrorKind::kUnavailable);
  renew();
  view_->connect();
  EXPECT_EQ(view_->commit(), commit);
  EXPECT_EQ(view_->peek("README.md")->kind, Kind::kFile);
  EXPECT_LT(view_->status().checked_s_ago, 0);
  EXPECT_STREQ(view_->status().state, "offline");
}

TEST_F(RemoteViewTest, WithoutAHubAndWithoutACommitNothingIsKnown) {
  repo_.fail_with(HubErrorKind::kUnavailable);
  view_->connect();
  EXPECT_EQ(view_->commit(), "");
  EXPECT_FALSE(view_->peek("README.md"));
  EXPECT_FALSE(view_->peek(kModuleA));
  EXPECT_TRUE(ask("README.md"));
  repo_.fail_with(std::nullopt);
  EXPECT_TRUE(recovers("README.md")) << "it connects as soon as it can";
  EXPECT_EQ(view_->peek("README.md")->kind, Kind::kFile);
}

// A captive portal, a proxy: an answer in the head's place that no Hub gives.
TEST_F(RemoteViewTest, WhatIsNoHubCountsAsAway) {
  repo_.fail_with(HubErrorKind::kInvalidAnswer);
  view_->connect();
  EXPECT_STREQ(view_->status().state, "offline");
  repo_.fail_with(std::nullopt);
  EXPECT_TRUE(recovers("README.md"));
  EXPECT_STREQ(view_->status().state, "ok");
  // Of a listing it says nothing of the Hub.
  repo_.fail_with(HubErrorKind::kInvalidAnswer);
  EXPECT_TRUE(ask(kModuleA));
  EXPECT_STREQ(view_->status().state, "ok");
  EXPECT_TRUE(ask_head());
  EXPECT_STREQ(view_->status().state, "offline");
  EXPECT_FALSE(view_->is_worth_waiting());
}

TEST_F(RemoteViewTest, CallbacksMayUseTheView) {
  view_->connect();
  std::atomic<bool> done{false};
  view_->ask("README.md", [&](const std::exception_ptr&) {
    EXPECT_TRUE(view_->peek("README.md"));
    EXPECT_TRUE(view_->is_worth_waiting());
    view_->status();
    view_->note_slow();
    view_->ask_children("", false, [&](const std::exception_ptr&) {
      view_->ask(kModuleA, [&](const std::exception_ptr&) { done = true; });
    });
  });
  EXPECT_TRUE(eventually([&] { return done.load(); }));
}

TEST_F(RemoteViewTest, HostileNamesAreCountedInTheStatus) {
  repo_.add_to_listing("", {"..", hub::EntryKind::kFile, "oid", 1, content_of("x")});
  repo_.add_to_listing("", {".cache", hub::EntryKind::kDirectory, "oid", 0, {}});
  repo_.add_to_listing(kModuleA, {"../x", hub::EntryKind::kFile, "oid", 1, content_of("x")});
  view_->connect();
  look_up("README.md");
  look_up(kModuleA);
  EXPECT_EQ(view_->status().skipped_names, 3U);
  EXPECT_EQ(view_->peek(".cache")->kind, Kind::kAbsent);
}

}  // namespace
}  // namespace neffs::test
