// Is the test Hub's git real git? Asked of git itself where it is at hand.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <memory>

#include "tests/hub/shell.h"
#include "tests/hub/test_hub.h"

namespace neffs::test {
namespace {

class GitTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_git()) GTEST_SKIP() << "git is not installed, so there is nobody to ask";
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  Output git(const std::string& arguments) const {
    return run("git --git-dir=" + (root_ / "repos/team/cache.git").string() + " " + arguments);
  }
  TestHubOptions options() const {
    TestHubOptions options;
    options.root = root_;
    return options;
  }

  const std::filesystem::path root_ =
      std::filesystem::path(::testing::TempDir()) / ("neffs-git-" + std::to_string(::getpid()));
};

TEST(GitId, IsWhatGitComputes) {
  EXPECT_EQ(git_id(ObjectType::kBlob, ""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  EXPECT_EQ(git_id(ObjectType::kTree, ""), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
  EXPECT_EQ(git_id(ObjectType::kBlob, "hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
}

// Names whose order depends on the slash that git adds to directories when it compares.
TEST(TreeBytes, AreInGitsOrder) {
  const std::string id(40, 'a');
  const Tree tree = {
      {"a", {true, id}}, {"a.b", {false, id}}, {"a-b", {true, id}}, {"a0", {false, id}}};
  const std::string bytes = tree_bytes(tree);
  const std::size_t dash = bytes.find("a-b");
  const std::size_t dot = bytes.find("a.b");
  const std::size_t plain = bytes.find(std::string("a\0", 2));
  const std::size_t zero = bytes.find("a0");
  EXPECT_LT(dash, dot);
  EXPECT_LT(dot, plain);
  EXPECT_LT(plain, zero);
  EXPECT_EQ(parse_tree(bytes), tree);
}

TEST_F(GitTest, FindsEveryObjectSound) {
  TestHub hub(options());
  TestRepo& repo = hub.create_repo("team/cache");
  repo.commit({{"a/b/c.txt", "one\n"}, {"a.b/d", "two\n"}, {"a-b", "three\n"}, {"empty", ""}});
  repo.commit({{"a/big.neff", generated_content(1, 100'000)}}, {"a-b"});
  const std::string head = repo.commit({}, {"a.b/"});
  repo.set_ref("refs/tags/v1", "main");
  EXPECT_EQ(git("fsck --strict --full").status, 0) << git("fsck --strict --full").text;
  EXPECT_EQ(git("rev-parse main v1").text, head + "\n" + head + "\n");
  EXPECT_EQ(git("rev-list --count main").text, "4\n");
}

TEST_F(GitTest, ListsTheSameTrees) {
  TestHub hub(options());
  TestRepo& repo = hub.create_repo("team/cache");
  repo.commit({{"dir/sub/file", "x"}, {"dir.x", "y"}, {"dir/model.neff", std::string(5, '\0')}});
  std::string expected;
  const auto entries = repo.list(repo.head(), "", true);
  ASSERT_TRUE(entries);
  for (const RepoEntry& entry : *entries) {
    const std::string path = entry.path;
    EXPECT_EQ(git("rev-parse 'main:" + path + "'").text, entry.oid + "\n") << path;
  }
  const auto neff = repo.find(repo.head(), "dir/model.neff");
  ASSERT_TRUE(neff && neff->lfs);
  EXPECT_EQ(git("cat-file -p main:dir/model.neff").text, pointer_text(*neff->lfs));
}

TEST_F(GitTest, WritesTheTreeThatMktreeWrites) {
  TestHub hub(options());
  TestRepo& repo = hub.create_repo("team/cache");
  repo.commit({{"d/x", "1"}, {"d.e", "2"}, {"d0", "3"}});
  const Output made =
      git("ls-tree main | git --git-dir=" + (root_ / "repos/team/cache.git").string() + " mktree");
  EXPECT_EQ(made.text, repo.commit_object(repo.head()).tree + "\n");
}

TEST(TestRepo, IsFoundAgainByTheNextHub) {
  const std::filesystem::path root =
      std::filesystem::path(::testing::TempDir()) / ("neffs-again-" + std::to_string(::getpid()));
  TestHubOptions options;
  options.root = root;
  std::string head;
  {
    TestHub hub(options);
    TestRepo& repo = hub.create_repo("team/cache", {.is_private = true});
    head = repo.commit({{"big", generated_content(3, 300'000), true}, {"small", "s"}});
  }
  TestHub hub(options);
  const TestRepo& repo = hub.repo("team/cache");
  EXPECT_EQ(repo.head(), head);
  EXPECT_TRUE(repo.settings().is_private);
  const auto big = repo.find(head, "big");
  ASSERT_TRUE(big);
  EXPECT_EQ(read_all(*repo.content(*big)), read_all(*generated_content(3, 300'000)));
  std::filesystem::remove_all(root);
}

TEST(TestRepo, TakesTenThousandModulesQuickly) {
  TestHub hub;
  TestRepo& repo = hub.create_repo("team/cache");
  std::vector<NewFile> files;
  for (int i = 0; i < 10'000; ++i) {
    const std::string module = "neuronxcc-2.21/MODULE_" + std::to_string(i) + "+e30acd3a/";
    files.emplace_back(module + "compile_flags.json", "[\"--target=trn1\"]", false);
    files.emplace_back(module + "model.neff", "neff " + std::to_string(i), true);
    files.emplace_back(module + "model.done", "");
  }
  const auto start = std::chrono::steady_clock::now();
  const std::string head = repo.commit(files);
  const auto entries = repo.list(head, "neuronxcc-2.21", false);
  const auto took = std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(entries);
  EXPECT_EQ(entries->size(), 10'000U);
  // Generous: this is a promise to the tests that use it, and sanitizers are slow.
  EXPECT_LT(took, std::chrono::seconds(20));
  RecordProperty("milliseconds", static_cast<int>(took / std::chrono::milliseconds(1)));
}

TEST(TestRepo, RefusesToDeleteWhatIsNotThere) {
  TestHub hub;
  TestRepo& repo = hub.create_repo("team/cache");
  EXPECT_THROW(repo.commit({}, {"nothing"}), std::invalid_argument);
  EXPECT_THROW(repo.commit({}, {".gitattributes/"}), std::invalid_argument);
}

TEST(TestRepo, ForgetsCommitsThatWereSquashed) {
  TestHub hub;
  TestRepo& repo = hub.create_repo("team/cache");
  const std::string before = repo.commit({{"a", "1"}});
  const std::string after = repo.squash();
  EXPECT_EQ(repo.resolve(before), std::nullopt);
  EXPECT_EQ(repo.resolve(after), after);
  EXPECT_TRUE(repo.find(after, "a"));
}

}  // namespace
}  // namespace neffs::test
