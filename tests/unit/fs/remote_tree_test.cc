// Listings from a repo that nobody vouches for.
#include "fs/remote_tree.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/fs/fs_kit.h"

namespace neffs::test {
namespace {

using fs::ModuleState;
using fs::RemoteName;
using index::TreeEntry;

TreeEntry file(const std::string& path, std::uint64_t size = 1) {
  return {path, false, "oid", size, content_of(path).text()};
}

TreeEntry folder(const std::string& path) {
  return {path, true, "tree-" + path, 0, ""};
}

std::vector<TreeEntry> finished(std::vector<TreeEntry> more = {}) {
  more.insert(more.begin(), {file("model.neff", 5000), file("model.done", 0)});
  return more;
}

TEST(RemoteTree, SkipsHostileNamesAndCountsThem) {
  const std::vector<TreeEntry> entries = {file("README.md"),
                                          file(""),
                                          file("."),
                                          file(".."),
                                          file("a/b"),
                                          file("a\nb"),
                                          file(std::string("a\0b", 3)),
                                          file(std::string(256, 'x')),
                                          folder(".cache"),
                                          file(".neffs-control"),
                                          folder("neuronxcc-2.21")};
  const auto root = fs::show_directory("", entries);
  EXPECT_EQ(root.children.size(), 2U);
  EXPECT_EQ(root.skipped_names, 9U);
  EXPECT_EQ(root.children.at("neuronxcc-2.21").kind, RemoteName::Kind::kDirectory);
  EXPECT_EQ(root.children.at("neuronxcc-2.21").oid, "tree-neuronxcc-2.21");
  EXPECT_EQ(root.children.at("README.md").content, content_of("README.md"));
  // Below the root the two names of ours are names as any other.
  EXPECT_EQ(fs::show_directory("sub", entries).skipped_names, 7U);
}

TEST(RemoteTree, HidesLocksWhateverTheyAre) {
  const auto root =
      fs::show_directory("", {file("lock"), file("a.lock"), folder("b.lock"), file("c")});
  EXPECT_EQ(root.children.size(), 1U);
  EXPECT_EQ(root.skipped_names, 0U);
  EXPECT_EQ(fs::show_directory("sub", {file("lock")}).children.size(), 1U);

  const auto module = fs::show_module(
      kModuleA, finished({file("model.hlo_module.pb.lock"), file("lock"), file("x.lock/file"),
                          folder("x.lock"), file("y/z.lock")}));
  EXPECT_EQ(module.verdict.state, ModuleState::kFinished);
  EXPECT_EQ(module.names.count("model.hlo_module.pb.lock"), 0U);
  EXPECT_EQ(module.names.count("x.lock"), 0U);
  EXPECT_EQ(module.names.count("x.lock/file"), 0U);
  EXPECT_EQ(module.names.count("y"), 0U) << "a folder that holds hidden names only";
  EXPECT_EQ(module.names.count("lock"), 1U) << "only the one at the root is a lock";
}

TEST(RemoteTree, SkipsPathsWithAHostileComponent) {
  const auto module = fs::show_module(
      kModuleA, finished({file("../model.neff"), file("a/../../b"), file("a//b"),
                          file("/etc/passwd"), file("a/"), file("a/\x01"),
                          file("a/" + std::string(256, 'x')), file("ok/fine"), file(".cache/x")}));
  EXPECT_EQ(module.skipped_names, 7U);
  EXPECT_EQ(module.names.size(), 6U);  // two outputs, ok, ok/fine, .cache, .cache/x
  EXPECT_EQ(module.names.at("ok").kind, RemoteName::Kind::kDirectory);
  EXPECT_EQ(module.names.at("ok/fine").kind, RemoteName::Kind::kFile);
}

TEST(RemoteTree, TheFirstOfTwoEqualNamesStays) {
  const auto root = fs::show_directory("", {file("a"), folder("a"), file("b", 1), file("b", 2)});
  EXPECT_EQ(root.children.size(), 2U);
  EXPECT_EQ(root.children.at("a").kind, RemoteName::Kind::kFile);
  EXPECT_EQ(root.children.at("b").size, 1U);
  EXPECT_EQ(root.skipped_names, 2U);
}

TEST(RemoteTree, AFileIsNeverAlsoAFolder) {
  for (const bool file_first : {true, false}) {
    auto entries = finished();
    if (file_first) entries.push_back(file("a"));
    entries.push_back(file("a/b"));
    entries.push_back(file("a/b/c"));
    if (!file_first) entries.push_back(file("a"));
    const auto module = fs::show_module(kModuleA, entries);
    for (const auto& [path, name] : module.names)
      for (auto up = fs::parent_path(path); !up.empty(); up = fs::parent_path(up))
        EXPECT_EQ(module.names.find(up)->second.kind, RemoteName::Kind::kDirectory) << path;
    for (const auto& path : module.plan.hit_files)
      EXPECT_EQ(module.names.find(path)->second.kind, RemoteName::Kind::kFile) << path;
    EXPECT_GT(module.skipped_names, 0U);
  }
}

TEST(RemoteTree, AModuleThatIsNotFinishedShowsNothing) {
  const auto failed = fs::show_module(kModuleA, {file("model.log"), file("model.hlo_module.pb")});
  EXPECT_EQ(failed.verdict.state, ModuleState::kFailed);
  EXPECT_TRUE(failed.names.empty());
  EXPECT_TRUE(failed.plan.hit_files.empty());
  const auto empty = fs::show_module(kModuleA, {});
  EXPECT_EQ(empty.verdict.state, ModuleState::kUnfinished);
  EXPECT_TRUE(empty.names.empty());
}

TEST(RemoteTree, ANeffThatIsAFolderIsNoNeff) {
  const auto module = fs::show_module(kModuleA, {folder("model.neff"), file("model.done")});
  EXPECT_EQ(module.verdict.state, ModuleState::kUnfinished);
}

TEST(RemoteTree, ProbedModulesAreShownUntilTheyAreHidden) {
  auto module = fs::show_module(kOldVersion + "/MODULE_1+abcdef01", {file("model.neff", 5000)});
  EXPECT_EQ(module.verdict.state, ModuleState::kProbeNeff);
  EXPECT_EQ(module.names.size(), 1U);
  fs::hide(module, {ModuleState::kFailed, "text"});
  EXPECT_EQ(module.verdict.state, ModuleState::kFailed);
  EXPECT_TRUE(module.names.empty());
  EXPECT_TRUE(module.plan.hit_files.empty());
}

TEST(RemoteTree, SplitsAListingByModule) {
  const auto modules = fs::by_module({folder("MODULE_1"), file("MODULE_1/a"), file("MODULE_1/b/c"),
                                      file("README.md"), file("MODULE_2/a")});
  ASSERT_EQ(modules.size(), 2U);
  EXPECT_EQ(modules.at("MODULE_1").size(), 2U);
  EXPECT_EQ(modules.at("MODULE_1")[1].path, "b/c");
  EXPECT_TRUE(fs::by_module({}).empty());
}

TEST(RemoteTree, TheIndexKeepsEverythingThatIsShown) {
  const hub::RemoteEntry entry{"a", hub::EntryKind::kFile, "oid", 5, content_of("hello")};
  const auto shown = fs::show_directory("sub", {fs::to_index(entry)}).children.at("a");
  EXPECT_EQ(shown.size, 5U);
  EXPECT_EQ(shown.content, entry.content);
  const hub::RemoteEntry tree{"d", hub::EntryKind::kDirectory, "tree", 0, {}};
  EXPECT_EQ(fs::to_index(tree).content, "");
}

}  // namespace
}  // namespace neffs::test
