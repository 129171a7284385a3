// Which folders are left alone and for how long, and what is tried after a refusal.
#include "fs/full_folders.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace neffs::test {
namespace {

using namespace std::chrono_literals;
using fs::FullFolders;
using Names = std::vector<std::string>;

const FullFolders::Time kNow{1'000'000s};

std::vector<index::Upload> uploads(const Names& paths) {
  std::vector<index::Upload> uploads(paths.size());
  for (std::size_t i = 0; i < paths.size(); ++i) uploads[i].entry.path = paths[i];
  return uploads;
}

std::vector<Names> parts(const Names& paths) {
  std::vector<Names> parts;
  for (const auto& part : fs::parts_by_folder(uploads(paths))) {
    parts.emplace_back();
    for (const auto& upload : part) parts.back().push_back(upload.entry.path);
  }
  return parts;
}

TEST(FullFoldersTest, ConcernWhatWouldBeANameInThem) {
  FullFolders full;
  EXPECT_FALSE(full.concern("v/MODULE_1"));
  full.add("v", kNow);
  EXPECT_TRUE(full.concern("v/MODULE_1"));
  EXPECT_FALSE(full.concern("w/MODULE_1"));
  EXPECT_FALSE(full.concern("v/0_REGISTRY/a.json")) << "the registry is there already";
  EXPECT_EQ(full.names(), Names{"v"});
}

TEST(FullFoldersTest, AreTriedAgainAfterAnHour) {
  FullFolders full;
  EXPECT_EQ(full.next(), FullFolders::Time::max());
  full.add("v", kNow);
  full.add("w", kNow + 10min);
  EXPECT_EQ(full.next(), kNow + 1h);
  EXPECT_EQ(full.take_due(kNow + 1h - 1s), Names{});
  EXPECT_EQ(full.take_due(kNow + 1h), Names{"v"});
  EXPECT_EQ(full.names(), Names{"w"});
  full.add("w", kNow + 1h);
  EXPECT_EQ(full.next(), kNow + 2h);
  full.clear();
  EXPECT_FALSE(full.concern("w/MODULE_1"));
}

TEST(FullFoldersTest, AnUploadThatFailedOtherwiseIsNotKeptOut) {
  index::UploadEntry entry;
  entry.error = fs::folder_full_text("v", "lab/cache");
  EXPECT_FALSE(fs::is_kept_out(entry)) << "it is queued again";
  entry.state = index::UploadState::kFailed;
  EXPECT_TRUE(fs::is_kept_out(entry));
  EXPECT_TRUE(entry.error.starts_with("folder full: v of lab/cache")) << entry.error;
  entry.error = "it holds a symlink: x";
  EXPECT_FALSE(fs::is_kept_out(entry));
}

TEST(FullFoldersTest, ARefusalIsTriedByFolder) {
  EXPECT_EQ(parts({"v/1", "w/1", "v/2", "v/0_REGISTRY/a"}),
            (std::vector<Names>{{"v/1", "v/2"}, {"v/0_REGISTRY/a"}, {"w/1"}}));
}

TEST(FullFoldersTest, AndThenByOneOfTheFolder) {
  EXPECT_EQ(parts({"v/1", "v/2", "v/3", "v/4"}),
            (std::vector<Names>{{"v/1"}, {"v/2", "v/3"}, {"v/4"}}));
  EXPECT_EQ(parts({"v/1", "v/2"}), (std::vector<Names>{{"v/1"}, {"v/2"}}));
  EXPECT_EQ(parts({}), std::vector<Names>{});
}

}  // namespace
}  // namespace neffs::test
