// Commits, and every way in which one can go wrong: what must be thrown, sent again, or left open.
#include "tests/hub/push_fixture.h"

namespace neffs::test {
namespace {

using hub::HubErrorKind;
using std::chrono::milliseconds;
using std::chrono::seconds;

class CommitTest : public PushTest {
 protected:
  hub::HubError error(const hub::CommitRequest& request) {
    return error_of([&] { push_.commit(request, soon()); });
  }
  std::size_t sent() { return hub_.traffic().count(Kind::kCommit); }
  int on_commit(const Fault& fault, std::size_t times = 1) {
    return hub_.faults().add({.kind = Kind::kCommit}, fault, times);
  }
  void set_limits(const WritingLimits& limits) {
    Behaviour behaviour = hub_.behaviour();
    behaviour.limits = limits;
    hub_.set_behaviour(behaviour);
  }

  const std::string binary_ = sample_bytes(100'000);
};

TEST_F(CommitTest, MakesOneCommitOfEverything) {
  const auto old = repo_.commit({{"m/model.log", "failed"}, {"m/old.neff", binary_}});
  auto order = request(old);
  order.description = "Two lines\nof it";
  order.regular_files = {{"m/ü # ?.json", "{\"é\":1}"}, {"m/model.done", ""}};
  order.lfs_files = {{"m/model.neff", object_of(binary_)}};
  order.deleted_files = {"m/model.log"};
  const auto made = push_.commit(order, soon());
  EXPECT_EQ(made, repo_.head());
  EXPECT_EQ(repo_.commit_object(made).parents, std::vector{old});
  EXPECT_EQ(repo_.commit_object(made).message, "Add modules\n\nTwo lines\nof it");
  EXPECT_EQ(bytes_at("m/ü # ?.json"), "{\"é\":1}");
  EXPECT_EQ(bytes_at("m/model.done"), "");
  EXPECT_EQ(bytes_at("m/model.neff"), binary_);
  EXPECT_EQ(bytes_at("m/model.log"), "(absent)");
  EXPECT_EQ(bytes_at("m/old.neff"), binary_);
}

TEST_F(CommitTest, ToABranchWithASlash) {
  repo_.set_ref("refs/heads/team/dev", "main");
  hub::HubPushRepo dev(client_.client, "team/cache", "team/dev");
  const auto made = dev.commit(small_commit(), soon());
  EXPECT_EQ(repo_.head("team/dev"), made);
  EXPECT_NE(repo_.head("main"), made);
}

TEST_F(CommitTest, AMovedHeadIsNewsForTheCaller) {
  const auto stale = small_commit();
  const auto head = repo_.commit({{"theirs", "x"}});
  EXPECT_EQ(error(stale).kind, HubErrorKind::kHeadMoved);
  EXPECT_EQ(repo_.head(), head);
  EXPECT_EQ(sent(), 1U);
}

TEST_F(CommitTest, AnotherCommitInProgressIsWaitedFor) {
  on_commit(Fault::commit_running(), 2);
  const auto made = push_.commit(small_commit(), soon());
  EXPECT_EQ(made, repo_.head());
  EXPECT_EQ(sent(), 3U);
  EXPECT_EQ(commits(), 2U);
}

TEST_F(CommitTest, UntilTheDeadline) {
  on_commit(Fault::commit_running(), Faults::kForEver);
  const auto order = small_commit();
  EXPECT_EQ(error_of([&] { push_.commit(order, within(milliseconds(1'500))); }).kind,
            HubErrorKind::kBusy);
  EXPECT_GE(sent(), 2U);
  EXPECT_EQ(commits(), 1U);
}

TEST_F(CommitTest, TheQuotaOfCommitsConcernsCommitsOnly) {
  on_commit(Fault::commit_quota());
  const auto throttled = error(small_commit());
  EXPECT_EQ(throttled.kind, HubErrorKind::kThrottled);
  EXPECT_GE(throttled.retry_after, seconds(60));
  EXPECT_EQ(sent(), 1U) << "it was sent again without having waited";
  EXPECT_TRUE(push_.access(within(seconds(5))).may_write()) << "other requests go on";
}

TEST_F(CommitTest, TheHubsOwnQuotaIsReportedToo) {
  hub_.set_rate_policy(RatePolicy{{500, 500, 500}, {500, 500, 500}, 300, 2, false});
  push_.commit(small_commit("a"), soon());
  EXPECT_EQ(error(small_commit("b")).kind, HubErrorKind::kThrottled);
  EXPECT_EQ(commits(), 2U);
}

TEST_F(CommitTest, RefusedContentIsNamed) {
  WritingLimits limits;
  limits.git_file = 1'000;
  limits.commit_bytes = 1'000'000;
  set_limits(limits);
  const auto missing = sample_bytes(77);
  hub_.repos().lfs().put(text_content(missing));

  struct Row {
    const char* words;
    std::vector<hub::RegularFile> regular;
    std::vector<hub::LfsFile> lfs;
  };
  for (const Row& row : {
           Row{"binary files", {{"a.neff", binary_.substr(0, 900)}}, {}},
           Row{"larger than 10 MiB", {{"a.json", std::string(1'001, 'x')}}, {}},
           Row{"LFS pointer", {}, {{"a.neff", object_of(missing)}}},
           Row{"YAML", {{"README.md", "---\nno key\n---\n"}}, {}},
           Row{"path", {{"a/../b", "x"}}, {}},
           Row{"413", {{"a.json", std::string(1'000'000, 'x')}}, {}},
       }) {
    auto order = request(repo_.head());
    order.regular_files = row.regular;
    order.lfs_files = row.lfs;
    const auto refused = error(order);
    EXPECT_EQ(refused.kind, HubErrorKind::kRefused) << row.words << ": " << refused.what();
    EXPECT_NE(std::string(refused.what()).find(row.words), std::string::npos) << refused.what();
  }
  EXPECT_EQ(sent(), 6U);
  EXPECT_EQ(commits(), 1U);
}

// Not the content is wrong then: another folder takes it.
TEST_F(CommitTest, AFullFolderIsARefusalOfItsOwn) {
  WritingLimits limits;
  limits.directory_entries = 10;
  set_limits(limits);
  auto order = request(repo_.head());
  for (int i = 0; i < 11; ++i) order.regular_files.push_back({"d/" + std::to_string(i), "x"});
  const auto full = error(order);
  EXPECT_EQ(full.kind, HubErrorKind::kFolderFull) << full.what();
  EXPECT_EQ(commits(), 1U);
  order.regular_files.back().path = "e/10";
  const auto made = push_.commit(order, soon());
  EXPECT_EQ(made, repo_.head());
}

TEST_F(CommitTest, DeletingWhatIsNotThereFailsAll) {
  auto order = small_commit();
  order.deleted_files = {"m/model.log"};
  EXPECT_EQ(error(order).kind, HubErrorKind::kEntryNotFound);
  EXPECT_EQ(bytes_at("a.json"), "(absent)");
}

TEST_F(CommitTest, WithoutTheRightNothingIsTriedTwice) {
  hub_.add_token(kToken, {.user = "ada", .roles = {{"team/cache", Role::kRead}}});
  const auto forbidden = error(small_commit());
  EXPECT_EQ(forbidden.kind, HubErrorKind::kForbidden);
  hub_.revoke_token(kToken);
  EXPECT_EQ(error(small_commit()).kind, HubErrorKind::kUnauthorized);
  EXPECT_EQ(sent(), 2U);
}

TEST_F(CommitTest, ATokenThatWasRenewedMeanwhileIsUsed) {
  hub_.revoke_token(kToken);
  hub_.add_token("hf_renewed", writer());
  token_.set("hf_renewed");
  const auto made = push_.commit(small_commit(), soon());
  EXPECT_EQ(made, repo_.head());
  EXPECT_EQ(sent(), 2U);
}

TEST_F(CommitTest, ALostAnswerLeavesItOpen) {
  const std::pair<const char*, Fault> faults[] = {
      {"500", Fault::answer(500).after()},   {"504 of a proxy", Fault::html(504).after()},
      {"hung up", Fault::hang_up().after()}, {"half of it", Fault::truncate(10)},
      {"no JSON", Fault::invalid_json()},    {"a page", Fault::html(200).after()},
  };
  for (const auto& [name, fault] : faults) {
    const auto before = commits();
    hub_.traffic().reset();
    on_commit(fault);
    const auto open = error(small_commit(std::string("f/") + name));
    EXPECT_EQ(open.kind, HubErrorKind::kUnknownOutcome) << name << ": " << open.what();
    EXPECT_EQ(sent(), 1U) << name;
    EXPECT_EQ(commits(), before + 1) << name;
  }
}

TEST_F(CommitTest, AsDoesAnErrorThatHidesThatNothingWasDone) {
  const auto before = repo_.head();
  on_commit(Fault::answer(500));
  EXPECT_EQ(error(small_commit()).kind, HubErrorKind::kUnknownOutcome);
  on_commit(Fault::hang_up());
  EXPECT_EQ(error(small_commit()).kind, HubErrorKind::kUnknownOutcome);
  EXPECT_EQ(repo_.head(), before);
}

TEST_F(CommitTest, SilenceUntilTheDeadlineLeavesItOpen) {
  const Gate gate = hub_.hold({.kind = Kind::kCommit}, HoldPoint::kBeforeAnswering);
  const auto order = small_commit();
  EXPECT_EQ(error_of([&] { push_.commit(order, within(milliseconds(500))); }).kind,
            HubErrorKind::kUnknownOutcome);
  EXPECT_EQ(commits(), 2U);
}

// Whatever ends before the last byte of the body cannot have been obeyed.
TEST_F(CommitTest, ABodyThatDidNotArriveIsSentAgain) {
  auto order = request(repo_.head());
  order.regular_files = {{"big.json", std::string(8'000'000, 'x')}};
  on_commit(Fault::cut_upload(100'000), 2);
  const auto made = push_.commit(order, soon());
  EXPECT_EQ(made, repo_.head());
  EXPECT_EQ(commits(), 2U);
}

TEST_F(CommitTest, AHubThatIsAwayHasMadeNoCommit) {
  hub_.stop();
  const auto order = small_commit();
  EXPECT_EQ(error_of([&] { push_.commit(order, within(milliseconds(700))); }).kind,
            HubErrorKind::kUnavailable);
}

TEST_F(CommitTest, GivenUpWhenAsked) {
  const Gate gate = hub_.hold({.kind = Kind::kCommit});
  std::stop_source stop;
  const auto order = small_commit();
  auto result = in_background([&] {
    return error_of([&] { push_.commit(order, {soon().deadline, stop.get_token()}); }).kind;
  });
  ASSERT_TRUE(gate.wait_held(1));
  stop.request_stop();
  ASSERT_TRUE(is_there(result));
  EXPECT_EQ(result.get(), HubErrorKind::kCancelled);
}

TEST_F(CommitTest, AWordlessRefusalIsNoneOfTheHubs) {
  on_commit(Fault::html(400));
  EXPECT_EQ(error(small_commit()).kind, HubErrorKind::kInvalidAnswer);
}

}  // namespace
}  // namespace neffs::test
