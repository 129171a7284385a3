// Patterns of .gitattributes and .gitignore against git's own reading of them.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/hub/git_patterns.h"
#include "tests/hub/shell.h"

namespace neffs::test {
namespace {

const std::vector<std::string>& paths() {
  static const std::vector<std::string> paths = {
      "model.neff",
      "a/model.neff",
      "a/b/model.neff",
      "a/b/c/d.txt",
      "x.log",
      "logs/x.log",
      "logs/keep.log",
      "a/logs/x",
      "foo/a/bar/model",
      "foo/bar/model",
      "tmp/x",
      "a/tmp/x",
      "tmp",
      "a b.txt",
      "a]b.txt",
      "a[1].txt",
      "a*b",
      "a-b",
      "7.txt",
      "q.txt",
      "saved_model/v/1.pb",
      "saved_model/1",
      "run.tfevents.123",
      "#hash",
      "!bang",
  };
  return paths;
}

const std::vector<std::string>& patterns() {
  static const std::vector<std::string> patterns = {
      "*.neff",
      "/*.neff",
      "a/*.neff",
      "a/**",
      "**/model.neff",
      "a/**/model.neff",
      "**/logs",
      "foo/**/bar",
      "logs/",
      "tmp/",
      "/tmp",
      "a/tmp",
      "*",
      "?.txt",
      "[a-z].txt",
      "[!a-z].txt",
      "[[:digit:]].txt",
      "a[]]b.txt",
      "a\\[1\\].txt",
      "a\\*b",
      "a*b",
      "*tfevents*",
      "saved_model/**/*",
      "saved_model/*",
      "*.p[abc]",
      "\\#hash",
      "a[[:space:]]b.txt",
      "b/",
      "[",
      "a**b",
      "**",
  };
  return patterns;
}

class GitPatternsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_git()) GTEST_SKIP() << "git is not installed, so there is nobody to ask";
    std::filesystem::create_directories(root_);
    ASSERT_EQ(run("git init -q " + root_.string()).status, 0);
    std::ofstream list(root_.string() + ".paths");
    for (const std::string& path : paths()) list << path << '\n';
  }
  void TearDown() override {
    std::filesystem::remove_all(root_);
    std::filesystem::remove(root_.string() + ".paths");
  }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(root_ / name) << text;
  }
  // What git prints when it is given every path, a line each.
  std::set<std::string> ask_git(const std::string& arguments) const {
    const Output output = run("git -C " + root_.string() + " -c core.quotePath=false " + arguments +
                              " <" + root_.string() + ".paths");
    std::set<std::string> lines;
    std::istringstream in(output.text);
    for (std::string line; std::getline(in, line);) lines.insert(line);
    return lines;
  }
  std::set<std::string> ignored_by_git(const std::string& text) const {
    write(".gitignore", text);
    return ask_git("check-ignore --no-index --stdin");
  }
  static std::set<std::string> ignored_by_us(const std::string& text) {
    const GitIgnore ignore(text);
    std::set<std::string> ignored;
    for (const std::string& path : paths()) {
      if (ignore.ignores(path)) ignored.insert(path);
    }
    return ignored;
  }
  void expect_same_attributes(const std::string& text) const {
    write(".gitattributes", text);
    const std::set<std::string> lines = ask_git("check-attr --stdin filter");
    const GitAttributes attributes(text);
    for (const std::string& path : paths()) {
      EXPECT_EQ(attributes.is_lfs(path), lines.contains(path + ": filter: lfs"))
          << text << " on " << path;
    }
  }

  const std::filesystem::path root_ = std::filesystem::path(::testing::TempDir()) /
                                      ("neffs-patterns-" + std::to_string(::getpid()));
};

TEST_F(GitPatternsTest, AttributesFitWhereGitsFit) {
  for (const std::string& pattern : patterns()) {
    expect_same_attributes(pattern + " filter=lfs diff=lfs merge=lfs -text\n");
  }
}

TEST_F(GitPatternsTest, TheLastAttributeDecides) {
  expect_same_attributes("*.neff filter=lfs\na/*.neff -filter\n");
  expect_same_attributes("*.neff filter=lfs\na/b/* !filter\n# *.txt filter=lfs\n");
  expect_same_attributes("*.neff filter=lfs\r\n*.txt text\n*.log filter=other\n");
  expect_same_attributes("\"a b.txt\" filter=lfs\n\n   \n");
}

TEST_F(GitPatternsTest, ALineForAPathCoversIt) {
  for (const std::string& path : paths()) {
    const std::string line = lfs_line(path);
    EXPECT_TRUE(GitAttributes(line).is_lfs(path)) << line;
    expect_same_attributes(line);
  }
}

TEST_F(GitPatternsTest, IgnoresWhatGitIgnores) {
  for (const std::string& pattern : patterns()) {
    EXPECT_EQ(ignored_by_us(pattern + "\n"), ignored_by_git(pattern + "\n")) << pattern;
  }
}

TEST_F(GitPatternsTest, IgnoredFilesCanBeShownAgainUnlessTheirFolderIsHidden) {
  for (const std::string text : {"*.log\n!keep.log\n", "logs/\n!logs/keep.log\n", "*\n!*.txt\n",
                                 "# nothing\n\n*.txt  \n", "\\!bang\n", "!tmp\ntmp\n"}) {
    EXPECT_EQ(ignored_by_us(text), ignored_by_git(text)) << text;
  }
}

TEST(Patterns, WithManyStarsDoNotTakeForEver) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "a*";
  EXPECT_FALSE(matches_pattern(pattern + "b", std::string(250, 'a')));
  EXPECT_TRUE(matches_pattern(pattern, std::string(250, 'a')));
}

}  // namespace
}  // namespace neffs::test
