// Every request of a writer fails in every way. What was compiled is in the repo all the same: once, and
// whole in every commit.
#include <array>
#include <future>
#include <string>
#include <vector>

#include "tests/publish/publishing.h"

namespace neffs::test {
namespace {

constexpr unsigned kModules = 3;

struct FaultCase {
  const char* name;
  Fault fault;
};

void PrintTo(const FaultCase& param, std::ostream* out) {
  *out << param.name;
}

constexpr std::array kWritingKinds = {Kind::kInfo,      Kind::kRefs,       Kind::kAuthCheck,
                                      Kind::kCommits,   Kind::kPreupload,  Kind::kLfsBatch,
                                      Kind::kLfsPut,    Kind::kLfsPutPart, Kind::kLfsComplete,
                                      Kind::kLfsVerify, Kind::kCommit};

bool is_of_parts(Kind kind) {
  return kind == Kind::kLfsPutPart || kind == Kind::kLfsComplete;
}

class FaultyHubTest : public PublishTest, public ::testing::WithParamInterface<FaultCase> {
 protected:
  // The whole way of some modules, past one kind of request that fails.
  void publish_past(Kind kind) const {
    SCOPED_TRACE(to_string(kind));
    TestHub hub;
    TestRepo& repo = make_push_repo(hub);
    if (is_of_parts(kind)) send_in_parts(hub);
    const std::string first = repo.head();
    auto setup = writing_setup();
    setup.directory = to_string(kind);
    Mount mounted(scratch_, hub.endpoint(), setup);
    const int rule = hub.faults().add({.kind = kind}, GetParam().fault, 1);
    for (unsigned i = 0; i < kModules; ++i) compile_into(mounted.root(), made_module(i));
    expect_flushed_while_read(mounted);
    const History past(repo, first);
    for (unsigned i = 0; i < kModules; ++i) past.expect_once(made_module(i));
    EXPECT_EQ(hub.faults().struck(rule), 1U);
  }

  static void send_in_parts(TestHub& hub) {
    auto behaviour = hub.behaviour();
    behaviour.limits.parts_from = 10'000;
    behaviour.limits.part_size = 8'000;
    hub.set_behaviour(behaviour);
  }

  // Whatever becomes of the flush, local files are there all the while.
  void expect_flushed_while_read(const Mount& mounted) const {
    auto flushed = in_background([&] { return flush(mounted, "60"); });
    unsigned i = 0;
    while (!is_there(flushed, std::chrono::milliseconds(5))) {
      const auto module = made_module(i++ % kModules);
      EXPECT_EQ(files_in(mounted.root(), module), module.files);
    }
    const Ended ended = flushed.get();
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
  }
};

// All endpoints at once, each with a Hub and a mount of its own.
TEST_P(FaultyHubTest, EverythingArrivesOnceAndWhole) {
  std::vector<std::future<void>> all;
  for (const Kind kind : kWritingKinds)
    all.push_back(in_background([this, kind] { publish_past(kind); }));
  for (auto& one : all) one.get();
}

INSTANTIATE_TEST_SUITE_P(
    Faults, FaultyHubTest,
    ::testing::Values(FaultCase{"Unavailable", Fault::answer(503)},
                      FaultCase{"PageOfAProxy", Fault::html(502)},
                      FaultCase{"HangUp", Fault::hang_up()},
                      FaultCase{"DoneThenError", Fault::answer(500).after()},
                      FaultCase{"DoneThenCut", Fault::hang_up().after()},
                      FaultCase{"Throttled", Fault::answer(429, "", {{"Retry-After", "1"}})}),
    [](const auto& param) { return std::string(param.param.name); });

class PublishFaultTest : public PublishTest {
 protected:
  void compile_some(const Mount& mounted, unsigned from = 0) const {
    for (unsigned i = from; i < from + kModules; ++i) compile_into(mounted.root(), made_module(i));
  }
  void expect_some_once(unsigned count = kModules) const {
    const auto past = history();
    for (unsigned i = 0; i < count; ++i) past.expect_once(made_module(i));
  }
  auto flush_in_background(const Mount& mounted) const {
    return in_background([this, &mounted] { return flush(mounted, "60"); });
  }
};

TEST_F(PublishFaultTest, AnUploadThatStallsHoldsUpNobodyHere) {
  const auto mounted = mount_writing();
  hub_.faults().add({.kind = Kind::kLfsPut}, Fault::stall_upload(1000), 1);
  compile_some(*mounted);
  ASSERT_TRUE(hub_.pauses().wait_stalled(1, std::chrono::seconds(20)));
  compile_some(*mounted, kModules);
  for (unsigned i = 0; i < 2 * kModules; ++i)
    EXPECT_EQ(files_in(mounted->root(), made_module(i)), made_module(i).files);
  EXPECT_EQ(history().commits(), 0U);
  hub_.pauses().release_stalls();
  expect_flushed(*mounted);
  expect_some_once(2 * kModules);
}

// SEMANTICS 9: the end does not wait for the Hub, and the next life finds out what became of it.
TEST_F(PublishFaultTest, TheEndDoesNotWaitForACommitThatHangs) {
  {
    const auto mounted = mount_writing();
    Gate gate = hub_.hold({.kind = Kind::kCommit}, HoldPoint::kBeforeAnswering);
    compile_into(mounted->root(), made_module(0));
    ASSERT_TRUE(gate.wait_held(1, std::chrono::seconds(20)));
    EXPECT_EQ(history().commits(), 1U);
    EXPECT_EQ(mounted->terminate(), 0);
  }
  const auto mounted = mount_writing();
  expect_flushed(*mounted);
  expect_published_alone(made_module(0));
}

// The commit of a life that is over is made when the next one has looked for it already.
TEST_F(PublishFaultTest, ACommitIsMadeAfterItsDaemonWasKilled) {
  Gate gate = hub_.hold({.kind = Kind::kCommit}, HoldPoint::kWhileCommitting);
  {
    const auto mounted = mount_writing();
    compile_some(*mounted);
    ASSERT_TRUE(gate.wait_held(1, std::chrono::seconds(20)));
    mounted->kill();
  }
  const auto mounted = mount_writing();
  auto flushed = flush_in_background(*mounted);
  ASSERT_TRUE(hub_.traffic().wait_for(Kind::kCommit, 2, std::chrono::seconds(20)));
  EXPECT_EQ(history().commits(), 0U);
  gate.open();
  EXPECT_EQ(flushed.get().exit_code, 0);
  expect_some_once();
}

TEST_F(PublishFaultTest, AnotherCommitIsRunning) {
  const auto mounted = mount_writing();
  auto turn = repo_.begin_commit();
  compile_some(*mounted);
  auto flushed = flush_in_background(*mounted);
  ASSERT_TRUE(hub_.traffic().wait_for(Kind::kCommit, 2));
  turn.end();
  EXPECT_EQ(flushed.get().exit_code, 0);
  expect_some_once();
}

// Somebody else commits between our look at the head and our commit, again and again.
TEST_F(PublishFaultTest, TheHeadMovesAllTheTime) {
  const auto mounted = mount_writing();
  Gate gate = hub_.hold({.kind = Kind::kCommit});
  compile_some(*mounted);
  auto flushed = flush_in_background(*mounted);
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(gate.wait_held(1, std::chrono::seconds(20)));
    repo_.commit({{"notes/" + std::to_string(i), "somebody else's"}});
    gate.let_pass(1);
    const std::size_t tries = static_cast<std::size_t>(i) + 2;
    ASSERT_TRUE(hub_.traffic().wait_for(Kind::kCommit, tries, std::chrono::seconds(20)));
  }
  gate.open();
  EXPECT_EQ(flushed.get().exit_code, 0);
  expect_some_once();
  EXPECT_GE(history().commits(), 5U);
}

// … or even with one of the same modules, by then.
TEST_F(PublishFaultTest, TheHeadMovesToTheSameModule) {
  const auto mounted = mount_writing();
  Gate gate = hub_.hold({.kind = Kind::kCommit});
  compile_some(*mounted);
  auto flushed = flush_in_background(*mounted);
  ASSERT_TRUE(gate.wait_held(1, std::chrono::seconds(20)));
  repo_.commit(files_to_commit(made_module(0)));
  gate.open();
  EXPECT_EQ(flushed.get().exit_code, 0);
  expect_some_once();
}

TEST_F(PublishFaultTest, TheQuotaOfCommitsIsWaitedFor) {
  const auto mounted = mount_writing();
  auto refusal = Fault::commit_quota();
  refusal.headers.emplace_back("Retry-After", "1");
  const int rule = hub_.faults().add({.kind = Kind::kCommit}, refusal, 1);
  compile_some(*mounted);
  expect_flushed(*mounted);
  EXPECT_EQ(hub_.faults().struck(rule), 1U);
  expect_some_once();
}

// 400 for all, because of one: the repo has a file where its folder would be.
TEST_F(PublishFaultTest, OneThatIsRefusedHoldsUpNoOther) {
  const auto mounted = mount_writing();
  first_ = repo_.commit({{made_module(1).path, "a file"}});
  for (unsigned i = 0; i < 4; ++i) compile_into(mounted->root(), made_module(i));
  const Ended ended = flush(*mounted);
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find(made_module(1).path + " is failed: "), std::string::npos) << ended.err;
  const auto past = history();
  for (const unsigned i : {0U, 2U, 3U}) past.expect_once(made_module(i));
  EXPECT_EQ(past.commits_of(made_module(1).path), 0U);
  EXPECT_EQ(files_in(mounted->root(), made_module(1)), made_module(1).files);
}

TEST_F(PublishFaultTest, WhatTheRepoIgnoresFailsAlone) {
  first_ = repo_.commit(
      {{".gitignore",
        "**/" + made_module(1).path.substr(made_module(1).path.find('/') + 1) + "/model.neff\n"}});
  const auto mounted = mount_writing();
  compile_some(*mounted);
  const Ended ended = flush(*mounted);
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find(".gitignore"), std::string::npos) << ended.err;
  const auto past = history();
  past.expect_once(made_module(0));
  past.expect_once(made_module(2));
  EXPECT_EQ(past.commits_of(made_module(1).path), 0U);
}

TEST_F(PublishFaultTest, ATokenThatIsRevokedAndComesBack) {
  const auto mounted = mount_writing();
  hub_.revoke_token(kWriter);
  compile_some(*mounted);
  const Ended ended = flush(*mounted);
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find(made_module(0).path), std::string::npos) << ended.err;
  EXPECT_EQ(mounted->status().at("push").at("state"), "unauthorized");
  for (unsigned i = 0; i < kModules; ++i)
    EXPECT_EQ(files_in(mounted->root(), made_module(i)), made_module(i).files);
  EXPECT_EQ(history().commits(), 0U);
  hub_.add_token(kWriter, {.user = "ada", .roles = {{kPushRepo, Role::kWrite}}});
  expect_flushed(*mounted);
  expect_some_once();
}

TEST_F(PublishFaultTest, TheRightToWriteGoesBetweenUploadAndCommit) {
  const auto mounted = mount_writing();
  hub_.faults().add({.kind = Kind::kCommit}, Fault::answer(403, R"({"error":"Forbidden"})"), 1);
  compile_some(*mounted);
  EXPECT_TRUE(hub_.traffic().wait_for(Kind::kCommit, 1));
  EXPECT_TRUE(eventually([&] { return mounted->status().at("push").at("state") != "ok"; }));
  EXPECT_EQ(history().commits(), 0U);
  expect_flushed(*mounted);
  expect_some_once();
}

TEST_F(PublishFaultTest, AHubThatIsAwayGetsItWhenItIsBack) {
  const auto mounted = mount_writing();
  hub_.stop();
  compile_some(*mounted);
  EXPECT_EQ(flush(*mounted, "1").exit_code, 1);
  EXPECT_EQ(files_in(mounted->root(), made_module(0)), made_module(0).files);
  start_hub_again();
  expect_flushed(*mounted);
  expect_some_once();
}

}  // namespace
}  // namespace neffs::test
