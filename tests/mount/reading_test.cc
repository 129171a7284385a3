// What a mount shows of a repo, and the bytes it gives.
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <string>
#include <thread>

#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

bool is_below(const std::string& path, const std::string& directory) {
  return path.starts_with(directory + "/");
}

// By the names alone, as SEMANTICS 3 says it.
bool is_hidden(const std::string& path) {
  return path.ends_with(".lock") || is_below(path, sample::kFailedModule) ||
         is_below(path, sample::kLockedModule) || is_below(path, sample::kHalfModule) ||
         is_below(path, sample::kOldFailedModule) || is_below(path, sample::kOldLongFailedModule);
}

std::set<std::string> visible_files() {
  std::set<std::string> paths{".gitattributes"};
  for (const NewFile& file : sample::files())
    if (!is_hidden(file.path)) paths.insert(file.path);
  return paths;
}

class ReadingTest : public MountTest {
 protected:
  TestRepo& repo_ = sample::create(hub_);
};

class ReadingBothWays : public MountTestBothWays {
 protected:
  TestRepo& repo_ = sample::create(hub_);
};
NEFFS_BOTH_WAYS(ReadingBothWays);

// SEMANTICS 1: what is read is what was committed.
TEST_P(ReadingBothWays, EveryVisibleFileHasItsBytes) {
  const auto mounted = mount({way(), "push=none"});
  for (const NewFile& file : sample::files()) {
    if (is_hidden(file.path)) continue;
    EXPECT_EQ(read_file(*mounted / file.path), (Bytes{0, sample::bytes_of(file.path)}))
        << file.path;
  }
  EXPECT_EQ(mounted->status()["reads"]["errors"], 0);
}

// SEMANTICS 1: … in whatever way a program reads, the first time and the second.
TEST_P(ReadingBothWays, EveryWayOfReadingGivesTheSameBytes) {
  const auto mounted = mount({way()});
  const auto neff = *mounted / (sample::kTrainingModule + "/model.neff");
  const std::string expected = sample::bytes_of(sample::kTrainingModule + "/model.neff");
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(read_by_mmap(neff) == expected);
    EXPECT_TRUE(read_by_readv(neff) == expected);
    EXPECT_TRUE(read_by_sendfile(neff) == expected);
    EXPECT_TRUE(read_in_random_order(neff, 17) == expected);
    EXPECT_TRUE(read_directly(neff) == expected);
  }
}

// SEMANTICS 1: the first reader may be one that maps, or one that goes round the page cache.
TEST_P(ReadingBothWays, AnyWayOfReadingMayBeTheFirst) {
  const auto mounted = mount({way()});
  const auto bytes = [](const std::string& module) {
    return sample::bytes_of(module + "/model.neff");
  };
  const auto path = [&](const std::string& module) { return *mounted / (module + "/model.neff"); };
  EXPECT_TRUE(read_by_mmap(path(sample::kTrainingModule)) == bytes(sample::kTrainingModule));
  EXPECT_TRUE(read_directly(path(sample::kInferenceModule)) == bytes(sample::kInferenceModule));
  EXPECT_TRUE(read_by_sendfile(path(sample::kPreviousModule)) == bytes(sample::kPreviousModule));
}

// Lesson 3 (HEAD on every load of a cached model): a warm path costs no request but for the head.
TEST_P(ReadingBothWays, TheSecondMountAsksOnlyForTheHead) {
  const std::vector<std::string> modules{sample::kTrainingModule, sample::kTracedModule,
                                         sample::kOldModule};
  const auto read_everything = [&] {
    const auto mounted = mount({way()});
    for (const NewFile& file : sample::files()) {
      if (std::none_of(modules.begin(), modules.end(),
                       [&](const auto& module) { return is_below(file.path, module); }))
        continue;
      EXPECT_EQ(read_file(*mounted / file.path), (Bytes{0, sample::bytes_of(file.path)}));
    }
    EXPECT_EQ(stat_error(*mounted / (sample::kVersion + "/MODULE_1+e30acd3a")), ENOENT);
    EXPECT_EQ(names_in(*mounted / sample::kTrainingModule).size(), 4U);
    ASSERT_TRUE(hub_.traffic().wait_until_idle());
  };
  read_everything();
  hub_.traffic().reset();
  read_everything();
  EXPECT_EQ(hub_.traffic().count(Kind::kResolveHead), 1U);
  EXPECT_EQ(hub_.traffic().total(), 1U) << requests();
}

// SEMANTICS 3: with list=all the listings show what look-ups find, and nothing else.
TEST_F(ReadingTest, ListingsShowWhatIsVisibleAndNothingElse) {
  const auto mounted = mount({"list=all"});
  EXPECT_EQ(files_below(mounted->root()), visible_files());
  for (const std::string& path : visible_files()) EXPECT_EQ(stat_error(*mounted / path), 0) << path;
}

// SEMANTICS 3: by default a compiler folder lists what is used here, everything else is listed.
TEST_F(ReadingTest, ACompilerFolderListsOnlyModulesInUse) {
  const auto mounted = mount();
  EXPECT_EQ(names_in(*mounted / sample::kVersion), std::set<std::string>{});
  EXPECT_EQ(read_file(*mounted / (sample::kTrainingModule + "/model.neff")).error, 0);
  const std::string name = sample::kTrainingModule.substr(sample::kVersion.size() + 1);
  EXPECT_TRUE(eventually(
      [&] { return names_in(*mounted / sample::kVersion) == std::set<std::string>{name}; }));
  EXPECT_EQ(names_in(*mounted / sample::kInferenceModule),
            (std::set<std::string>{"compile_flags.json", "model.done", "model.hlo_module.pb",
                                   "model.neff", "wrapped_neff.hlo"}));
}

// SEMANTICS 3: locks, failures and unfinished modules are not there, directory and all.
TEST_F(ReadingTest, WhatIsHiddenIsAbsentInLookUps) {
  const auto mounted = mount();
  for (const NewFile& file : sample::files()) {
    if (!is_hidden(file.path)) continue;
    EXPECT_EQ(stat_error(*mounted / file.path), ENOENT) << file.path;
  }
  for (const std::string& module :
       {sample::kFailedModule, sample::kLockedModule, sample::kHalfModule, sample::kOldFailedModule,
        sample::kOldLongFailedModule})
    EXPECT_EQ(stat_error(*mounted / module), ENOENT) << module;
}

// SEMANTICS 3: making the directory of a hidden entry gives an empty local one.
TEST_F(ReadingTest, MakingAHiddenModuleGivesAnEmptyDirectory) {
  const auto mounted = mount();
  ASSERT_TRUE(std::filesystem::create_directory(*mounted / sample::kFailedModule));
  EXPECT_EQ(names_in(*mounted / sample::kFailedModule), std::set<std::string>{});
  write_file(*mounted / (sample::kFailedModule + "/model.neff"), "compiled here");
  EXPECT_EQ(read_file(*mounted / (sample::kFailedModule + "/model.neff")).text, "compiled here");
}

// SEMANTICS 19: what is no part of a cache is there by its name.
TEST_F(ReadingTest, OfTheRootOnlyCompilerFoldersAreListed) {
  const auto mounted = mount();
  EXPECT_EQ(
      names_in(mounted->root()),
      (std::set<std::string>{sample::kVersion, sample::kPreviousVersion, sample::kOldVersion}));
  EXPECT_EQ(read_file(*mounted / "README.md"), (Bytes{0, sample::bytes_of("README.md")}));
}

// SEMANTICS 3: names that no directory may hold are skipped and counted, wherever they are listed.
TEST_F(ReadingTest, HostileNamesAreSkippedAndCounted) {
  using namespace std::string_literals;
  const std::string longest(255, 'x');
  const std::vector<std::string> hostile = {"..",       ".",           "nul\0x"s,
                                            "bell\x07", "line\nfeed",  "del\x7f",
                                            ".cache",   longest + 'x', ".neffs-control"};
  for (const std::string& name : hostile) repo_.list_also("", name, "README.md");
  repo_.list_also("", longest, "README.md");
  const std::string flags = sample::kTrainingModule + "/compile_flags.json";
  for (const std::string name : {"..", "tab\t", "."})
    repo_.list_also(sample::kTrainingModule, name, flags);

  const auto mounted = mount({"list=all"});
  const std::set<std::string> root{
      ".gitattributes", "README.md",      "inference-cache-config", "registry.json",
      longest,          sample::kVersion, sample::kPreviousVersion, sample::kOldVersion};
  EXPECT_EQ(names_in(mounted->root()), root);
  EXPECT_EQ(names_in(*mounted / sample::kTrainingModule).size(), 4U);
  for (const std::string name : {"bell\x07", "line\nfeed", "del\x7f", "etc", ".cache"})
    EXPECT_EQ(stat_error(*mounted / name), ENOENT) << name;
  EXPECT_EQ(stat_error(*mounted / (longest + 'x')), ENAMETOOLONG);
  EXPECT_EQ(mounted->status()["sources"][0]["skipped_names"], hostile.size() + 3);
  EXPECT_EQ(read_file(*mounted / (sample::kTrainingModule + "/compile_flags.json")),
            (Bytes{0, sample::bytes_of(flags)}));
}

// SEMANTICS 3: a listing whose entries lie elsewhere is shown by no name, and leads nowhere.
TEST_F(ReadingTest, EntriesOfOtherPlacesAreNotShown) {
  for (const std::string name : {"../README.md", "x/../../../escaped"})
    repo_.list_also(sample::kTrainingModule, name, "README.md");
  repo_.list_also("", "inference-cache-config/../../escaped", "README.md");
  const auto mounted = mount({"list=all"});
  for (const std::string& path : files_below(mounted->root()))
    EXPECT_TRUE(visible_files().contains(path)) << path;
  EXPECT_EQ(stat_error(scratch_ / "escaped"), ENOENT);
}

// SEMANTICS 2: all names of one module come from one commit, while the branch moves on and on.
TEST_F(ReadingTest, AModuleIsOfOneCommitWhileTheBranchMoves) {
  const auto module = [](int number) {
    return sample::kVersion + "/MODULE_" + std::to_string(1000 + number) + "+e30acd3a";
  };
  const auto commit_all = [&](int version) {
    std::vector<NewFile> files;
    for (int number = 0; number < 6; ++number) {
      const std::string text = "version " + std::to_string(version) + '\n';
      files.emplace_back(module(number) + "/compile_flags.json", text, false);
      files.emplace_back(module(number) + "/model.hlo_module.pb", text, true);
      files.emplace_back(module(number) + "/model.neff", text, true);
      files.emplace_back(module(number) + "/model.done", "");
    }
    repo_.commit(files);
  };
  commit_all(0);
  std::atomic<bool> ended{false};
  std::thread committer([&] {
    for (int version = 1; !ended; ++version) commit_all(version);
  });
  for (int number = 0; number < 6; ++number) {
    const auto mounted =
        mount_as({.options = {"push=none"}, .directory = "mnt" + std::to_string(number)});
    const std::string flags = read_file(*mounted / (module(number) + "/compile_flags.json")).text;
    EXPECT_NE(flags, "");
    EXPECT_EQ(read_file(*mounted / (module(number) + "/model.neff")).text, flags);
    EXPECT_EQ(read_file(*mounted / (module(number) + "/model.hlo_module.pb")).text, flags);
  }
  ended = true;
  committer.join();
}

// SEMANTICS 12: remote-only names are the mounting user's, and anybody may write there.
TEST_F(ReadingTest, RemoteNamesAreOpenToEverybody) {
  const auto mounted = mount({"dmask=022", "fmask=027", "gid=12"});
  struct stat st {};
  ASSERT_EQ(::stat((*mounted / sample::kTrainingModule).c_str(), &st), 0);
  EXPECT_EQ(st.st_mode, mode_t{S_IFDIR | 0755});
  EXPECT_EQ(st.st_gid, 12U);
  ASSERT_EQ(::stat((*mounted / (sample::kTrainingModule + "/model.neff")).c_str(), &st), 0);
  EXPECT_EQ(st.st_mode, mode_t{S_IFREG | 0640});
  EXPECT_EQ(st.st_size, 1577984);
}

// Section 3, `ro`: writes are EROFS, everything is listed, and the user is warned.
TEST_F(ReadingTest, ReadOnlyIsForBrowsing) {
  const auto mounted = mount({"ro"});
  EXPECT_EQ(files_below(mounted->root()), visible_files());
  EXPECT_EQ(open_error(*mounted / "lock", O_WRONLY | O_CREAT | O_TRUNC), EROFS);
  EXPECT_NE(mounted->daemon().err().find("read-only"), std::string::npos);
  EXPECT_EQ(read_file(*mounted / (sample::kTrainingModule + "/model.neff")),
            (Bytes{0, sample::bytes_of(sample::kTrainingModule + "/model.neff")}));
}

}  // namespace
}  // namespace neffs::test
