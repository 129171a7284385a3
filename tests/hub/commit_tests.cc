// What the test Hub demands of a commit, and what it makes of one.
#include "tests/hub/writing_test.h"

namespace neffs::test {
namespace {

class CommitTest : public WritingTest {
 protected:
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
