// Who may commit to the test Hub when: one after the other, on top of the head, so many an hour.
#include <set>
#include <thread>

#include "tests/hub/writing_test.h"

namespace neffs::test {
namespace {

using CommitOrderTest = WritingTest;

TEST_F(CommitOrderTest, ParentsAreCompared) {
  const std::string head = repo_.commit({{"a", "a"}});
  const Reply late = refused(412, {file("b", "b")}, first_);
  EXPECT_NE(late.header("X-Error-Message").find("A commit has happened since"), std::string::npos);
  refused(412, {file("b", "b")}, std::string(40, '0'));
  refused(400, {file("b", "b")}, "main");
  EXPECT_EQ(commit({file("b", "b")}, head).status, 200);
  EXPECT_EQ(commit({file("c", "c")}).status, 200);  // who does not ask overwrites
}

TEST_F(CommitOrderTest, OneCommitRunsAtATime) {
  const Gate gate = hub_.hold({.kind = Kind::kCommit}, HoldPoint::kWhileCommitting);
  Reply slow;
  std::thread client([&] { slow = commit({file("slow", "s")}); });
  ASSERT_TRUE(gate.wait_held(1));
  const Reply busy = commit({file("b", "b")});
  EXPECT_EQ(busy.status, 409);
  EXPECT_NE(busy.header("X-Error-Message").find("Another commit operation is in progress"),
            std::string::npos);
  EXPECT_EQ(repo_.head(), first_);
  gate.let_pass(1);
  client.join();
  EXPECT_EQ(slow.status, 200);
  gate.let_pass(1);
  EXPECT_EQ(commit({file("b", "b")}).status, 200);
}

TEST_F(CommitOrderTest, TheTestCanRunACommitOfItsOwn) {
  CommitTurn turn = repo_.begin_commit();
  EXPECT_TRUE(turn);
  EXPECT_FALSE(repo_.begin_commit());
  refused(409, {file("a", "a")});
  turn.end();
  EXPECT_EQ(commit({file("a", "a")}).status, 200);
}

TEST_F(CommitOrderTest, AForeignWriterComesBetween) {
  Gate gate = hub_.hold({.kind = Kind::kCommit}, HoldPoint::kWhileCommitting);
  Reply reply;
  std::thread client([&] { reply = commit({file("a", "ours")}, first_); });
  EXPECT_TRUE(gate.wait_held(1));
  const std::string foreign = repo_.commit({{"a", "theirs"}});
  gate.open();
  client.join();
  EXPECT_EQ(reply.status, 412);
  EXPECT_EQ(repo_.head(), foreign);
}

TEST_F(CommitOrderTest, ManyWritersAtOnceLoseNothing) {
  constexpr int kWriters = 8;
  constexpr int kEach = 10;
  hub_.set_rate_policy({{}, {100'000, 100'000, 100'000}, 300, 1000});
  std::vector<std::thread> writers;
  writers.reserve(kWriters);
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([this, writer] {
      for (int n = 0; n < kEach; ++n) {
        const std::string path = std::to_string(writer) + "/" + std::to_string(n);
        while (commit({file(path, path)}, repo_.head()).status != 200) std::this_thread::yield();
      }
    });
  }
  for (int n = 0; n < kEach; ++n) repo_.commit({{"foreign/" + std::to_string(n), "f"}});
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(repo_.history(repo_.head()).size(), 1U + kEach + kWriters * kEach);
  std::set<std::string> paths;
  const TestRepo::Listing all = repo_.list(repo_.head(), "", true);
  for (const RepoEntry& entry : *all) {
    if (!entry.is_directory) paths.insert(entry.path);
  }
  EXPECT_EQ(paths.size(), 1U + kEach + kWriters * kEach);
}

TEST_F(CommitOrderTest, CommitsHaveAQuotaOfTheirOwn) {
  hub_.set_rate_policy({{}, {100, 100, 100}, 300, 3});
  repo_.commit({{"foreign", "counts too"}});  // and so does the first commit of all
  EXPECT_EQ(commit({file("a", "a")}).status, 200);
  const Reply reply = refused(429, {file("b", "b")});
  EXPECT_NE(reply.header("X-Error-Message").find("repository commits (3 per hour)"),
            std::string::npos);
  EXPECT_EQ(reply.header("RateLimit").find("r=0;"), std::string::npos) << "another limit fired";
  EXPECT_NE(reply.header("RateLimit"), "");
  repo_.set_ref("refs/heads/dev", first_);
  EXPECT_EQ(commit({file("b", "b")}, "", "hf_w", "dev").status, 200);  // each branch has its own
  hub_.advance_clock(std::chrono::hours(1));
  EXPECT_EQ(commit({file("b", "b")}).status, 200);
}

TEST_F(CommitOrderTest, TheQuotaCanBeTheUsers) {
  hub_.set_rate_policy({{}, {100, 100, 100}, 300, 2, true});
  repo_.commit({{"foreign", "1"}});
  repo_.set_ref("refs/heads/dev", first_);
  EXPECT_EQ(commit({file("a", "a")}).status, 200);
  refused(412, {file("a", "b")}, first_);  // counts for nothing
  EXPECT_EQ(commit({file("b", "b")}, "", "hf_w", "dev").status, 200);
  refused(429, {file("c", "c")});
  hub_.add_token("hf_2", {.user = "eve", .roles = {{"team/cache", Role::kWrite}}});
  EXPECT_EQ(commit({file("c", "c")}, "", "hf_2").status, 200);
}

}  // namespace
}  // namespace neffs::test
