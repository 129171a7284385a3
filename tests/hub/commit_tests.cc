// What the test Hub demands of a commit, and what it makes of one.
#include <set>
#include <thread>

#include "tests/hub/writing_test.h"

namespace neffs::test {
namespace {

class CommitTest : public WritingTest {
 protected:
  // A commit that the Hub must refuse, with that status; nothing may have changed.
  Reply refused(int status, const std::vector<json>& lines, const std::string& parent = "") {
    const std::string before = repo_.head();
    Reply reply = commit(lines, parent);
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_EQ(repo_.head(), before);
    return reply;
  }
  static std::string header(const std::string& summary = "s") {
    return json({{"key", "header"}, {"value", {{"summary", summary}}}}).dump();
  }
};

TEST_F(CommitTest, AddsReplacesAndDeletes) {
  repo_.commit({{"a", "old"}, {"b", "b"}, {"d/1", "1"}, {"d/2/3", "3"}, {"e", binary_}});
  const json utf8 = {{"key", "file"}, {"value", {{"path", "u"}, {"content", "é"}}}};
  const Reply reply = commit({file("a", "new"), utf8, file("x/y/z", ""), deleted("b"),
                              deleted("d/", "deletedFolder"), deleted("e")});
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(bytes_at("a"), "new");
  EXPECT_EQ(bytes_at("u"), "é");
  EXPECT_EQ(bytes_at("x/y/z"), "");
  for (const char* path : {"b", "d", "e"}) EXPECT_FALSE(repo_.find(repo_.head(), path)) << path;
}

TEST_F(CommitTest, LinesNeedNotEndInANewline) {
  EXPECT_EQ(commit_body(header() + "\n" + file("a", "a").dump()).status, 200);
  EXPECT_EQ(bytes_at("a"), "a");
}

TEST_F(CommitTest, EveryCommitIsThereForACheckerToWalk) {
  std::vector<std::string> ids;
  for (const char* text : {"1", "2", "3"}) {
    ids.push_back(json::parse(commit({file("a", text)}).body)["commitOid"]);
  }
  const std::vector<CommitInfo> history = repo_.history(repo_.head());
  ASSERT_EQ(history.size(), 4U);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(history[2 - i].id, ids[i]);
    EXPECT_EQ(bytes_at("a", ids[i]), std::to_string(i + 1));
  }
}

TEST_F(CommitTest, CommitsWithoutAChangeAreCommits) {
  repo_.commit({{"a", "a"}});
  const std::string tree = repo_.commit_object(repo_.head()).tree;
  EXPECT_EQ(commit({file("a", "a")}).status, 200);
  EXPECT_EQ(repo_.commit_object(repo_.head()).tree, tree);
  EXPECT_EQ(repo_.history(repo_.head()).size(), 3U);
}

TEST_F(CommitTest, ParentsAreCompared) {
  const std::string head = repo_.commit({{"a", "a"}});
  const Reply late = refused(412, {file("b", "b")}, first_);
  EXPECT_NE(late.header("X-Error-Message").find("A commit has happened since"), std::string::npos);
  refused(412, {file("b", "b")}, std::string(40, '0'));
  refused(400, {file("b", "b")}, "main");
  EXPECT_EQ(commit({file("b", "b")}, head).status, 200);
  EXPECT_EQ(commit({file("c", "c")}).status, 200);  // who does not ask overwrites
}

TEST_F(CommitTest, OneCommitRunsAtATime) {
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

TEST_F(CommitTest, TheTestCanRunACommitOfItsOwn) {
  CommitTurn turn = repo_.begin_commit();
  EXPECT_TRUE(turn);
  EXPECT_FALSE(repo_.begin_commit());
  refused(409, {file("a", "a")});
  turn.end();
  EXPECT_EQ(commit({file("a", "a")}).status, 200);
}

TEST_F(CommitTest, AForeignWriterComesBetween) {
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

TEST_F(CommitTest, ManyWritersAtOnceLoseNothing) {
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

TEST_F(CommitTest, OnlyBranchesAndPullRequestsMove) {
  repo_.set_ref("refs/heads/a/b", first_);
  repo_.set_ref("refs/pr/1", first_);
  repo_.set_ref("refs/tags/v1", first_);
  EXPECT_EQ(commit({file("x", "x")}, first_, "hf_w", "a%2Fb").status, 200);
  EXPECT_EQ(commit({file("x", "x")}, first_, "hf_w", "refs%2Fpr%2F1").status, 200);
  EXPECT_EQ(repo_.head(), first_);
  EXPECT_NE(repo_.head("a/b"), first_);
  for (const std::string& revision : {first_, std::string("v1"), std::string("refs%2Ftags%2Fv1"),
                                      std::string("no-such"), std::string("HEAD")}) {
    const Reply reply = commit({file("x", "x")}, "", "hf_w", revision);
    EXPECT_EQ(reply.status, 404) << revision;
    EXPECT_EQ(reply.header("X-Error-Code"), "RevisionNotFound");
  }
}

TEST_F(CommitTest, MalformedBodiesAreRefused) {
  const std::string line = file("a", "a").dump();
  const std::vector<std::string> bodies = {
      "",
      "\n\n",
      line,
      header(""),
      header(" \n"),
      header() + "\n" + header(),
      line + "\n" + header(),
      header() + "\nnot json",
      header() + "\n[1]",
      header() + "\n{\"key\":\"file\"}",
      header() + "\n{\"key\":1,\"value\":{}}",
      header() + R"({"key":"nonsense","value":{"path":"a"}})",
      header() + "\n" + R"({"key":"nonsense","value":{"path":"a"}})",
      header() + "\n" + R"({"key":"file","value":{"path":"a"}})",
      header() + "\n" + R"({"key":"file","value":{"content":"YQ=="}})",
      header() + "\n" + R"({"key":"file","value":{"path":7,"content":"YQ=="}})",
      header() + "\n" + R"({"key":"file","value":{"path":"a","content":"%","encoding":"base64"}})",
      header() + "\n" + R"({"key":"file","value":{"path":"a","content":"a","encoding":"hex"}})",
      header() + "\n" + R"({"key":"file","value":{"path":"a","oldPath":"b"}})",
      header() + "\n" + std::string(100'000, '['),
      R"({"key":"header","value":{"summary":7}})",
  };
  for (const std::string& body : bodies) {
    EXPECT_EQ(commit_body(body).status, 400) << body.substr(0, 200);
  }
  EXPECT_EQ(ask(api("/commit/main"), {.method = "POST", .token = "hf_w", .body = header()}).status,
            400);  // not NDJSON
  EXPECT_EQ(repo_.head(), first_);
}

TEST_F(CommitTest, PathsAreChecked) {
  for (const std::string path :
       {"", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", ".git/config", "a/.git/x", ".cache/x",
        "a/.cache/huggingface/x", "a\tb", "a\x7f"}) {
    refused(400, {file(path, "x")});
  }
  refused(400, {file(std::string("a\0b", 3), "x")});
  refused(400, {file(std::string(256, 'a'), "x")});
  std::string longest = "a";
  while (longest.size() < 1001) longest += "/a";
  refused(400, {file(longest, "x")});
  EXPECT_EQ(commit({file(".gitx/.cached/..a/b c#?é", "x")}).status, 200);
}

TEST_F(CommitTest, NamesAreOneThingOnly) {
  repo_.commit({{"dir/a", "a"}, {"f", "f"}});
  refused(400, {file("x", "1"), file("x", "2")});
  refused(400, {file("x", "1"), file("x/y", "2")});
  refused(400, {file("dir", "x")});
  refused(400, {file("f/x", "x")});
  refused(400, {deleted("f"), deleted("f")});
  EXPECT_EQ(commit({deleted("f"), file("f/x", "x")}).status, 200);
  EXPECT_EQ(commit({deleted("dir", "deletedFolder"), file("dir", "x")}).status, 200);
  EXPECT_EQ(bytes_at("f/x"), "x");
  EXPECT_EQ(bytes_at("dir"), "x");
}

TEST_F(CommitTest, WhatIsNotThereCannotBeDeleted) {
  repo_.commit({{"dir/a", "a"}});
  const Reply reply = refused(404, {file("x", "x"), deleted("nope")});
  EXPECT_EQ(reply.header("X-Error-Code"), "EntryNotFound");
  EXPECT_NE(reply.body.find("doesn't exist"), std::string::npos);
  refused(404, {deleted("dir")});
  refused(404, {deleted("dir/a", "deletedFolder")});
  refused(404, {deleted("no/", "deletedFolder")});
}

TEST_F(CommitTest, RegularFilesAreSmallText) {
  limit([](WritingLimits& limits) { limits.git_file = 1000; });
  EXPECT_EQ(commit({file("a.txt", std::string(1000, 'a'))}).status, 200);
  const Reply large = refused(400, {file("ok", "ok"), file("b.txt", std::string(1001, 'a'))});
  EXPECT_NE(large.body.find("b.txt"), std::string::npos);
  EXPECT_EQ(large.body.find("- ok"), std::string::npos);
  const Reply binary = refused(400, {file("c.txt", std::string("a\0b", 3))});
  EXPECT_NE(binary.body.find("binary files"), std::string::npos);
  refused(400, {file("d.bin", "text where .gitattributes wants LFS")});
  EXPECT_EQ(commit({file("e.bin", "")}).status, 200);  // what is empty is always regular
}

TEST_F(CommitTest, TheRealLimitIs10MiB) {
  EXPECT_EQ(commit({file("a.txt", std::string(10U << 20U, 'a'))}).status, 200);
  refused(400, {file("b.txt", std::string((10U << 20U) + 1, 'a'))});
}

TEST_F(CommitTest, LargeFilesMustHaveBeenUploaded) {
  const Reply absent = refused(400, {lfs_file("m.neff", binary_)});
  EXPECT_NE(absent.body.find("does not exist"), std::string::npos);
  EXPECT_NE(absent.body.find("m.neff"), std::string::npos);
  upload(binary_);
  json line = lfs_file("m.neff", binary_);
  line["value"]["size"] = 5;
  refused(400, {line});
  line["value"]["size"] = "100000";
  refused(400, {line});
  line["value"].erase("size");
  line["value"]["algo"] = "md5";
  refused(400, {line});
  line["value"]["algo"] = "sha256";
  EXPECT_EQ(commit({line}).status, 200);  // a copy of what the repo knows needs no size
  EXPECT_EQ(bytes_at("m.neff"), binary_);
}

TEST_F(CommitTest, TheHubTracksWhatNoPatternCovers) {
  upload(binary_);
  const std::string before = bytes_at(".gitattributes");
  EXPECT_EQ(commit({lfs_file("a/m.neff", binary_), lfs_file("a/m.bin", binary_)}).status, 200);
  const std::string line = "a/m.neff filter=lfs diff=lfs merge=lfs -text\n";
  EXPECT_EQ(bytes_at(".gitattributes"), before + line);
  EXPECT_EQ(commit({lfs_file("a/m.neff", binary_)}).status, 200);
  EXPECT_EQ(bytes_at(".gitattributes"), before + line);
}

TEST_F(CommitTest, AttributesOfTheSameCommitCount) {
  upload(binary_);
  const std::string own = "*.neff filter=lfs";
  EXPECT_EQ(commit({file(".gitattributes", own), lfs_file("m.neff", binary_)}).status, 200);
  EXPECT_EQ(bytes_at(".gitattributes"), own);
  EXPECT_EQ(commit({file(".gitattributes", own), lfs_file("x", binary_)}).status, 200);
  EXPECT_EQ(bytes_at(".gitattributes"), own + "\nx filter=lfs diff=lfs merge=lfs -text\n");
}

TEST_F(CommitTest, AttributesCanGrowTooLarge) {
  upload(binary_);
  limit([](WritingLimits& limits) { limits.git_file = 1000; });
  std::vector<json> lines;
  lines.reserve(30);
  for (int i = 0; i < 30; ++i) lines.push_back(lfs_file("m" + std::to_string(i), binary_));
  refused(400, lines);
}

TEST_F(CommitTest, DirectoriesCanBeFull) {
  limit([](WritingLimits& limits) { limits.directory_entries = 3; });
  EXPECT_EQ(commit({file("d/1", "x"), file("d/2", "x"), file("d/3", "x")}).status, 200);
  const Reply reply = refused(400, {file("d/4", "x")});
  EXPECT_NE(reply.body.find("too many files per directory"), std::string::npos);
  EXPECT_NE(reply.body.find("/d"), std::string::npos);
  EXPECT_EQ(commit({file("d/4", "x"), deleted("d/1")}).status, 200);
  EXPECT_EQ(commit({file("d/2", "changed")}).status, 200);
  EXPECT_EQ(commit({file("e/1", "x")}).status, 200);
}

TEST_F(CommitTest, CommitsHaveAQuotaOfTheirOwn) {
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

TEST_F(CommitTest, TheQuotaCanBeTheUsers) {
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

TEST_F(CommitTest, PullRequestsAreNotOpened) {
  const Reply reply =
      ask(api("/commit/main?create_pr=1"), {.method = "POST",
                                            .token = "hf_w",
                                            .headers = {"Content-Type: application/x-ndjson"},
                                            .body = header()});
  EXPECT_EQ(reply.status, 400);
}

}  // namespace
}  // namespace neffs::test
