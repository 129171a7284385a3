#include <sys/stat.h>

#include "tests/unit/index/index_kit.h"

namespace neffs::test {
namespace {

using index::LayerFile;
using index::Origin;
using index::Placement;

std::vector<std::string> paths_of(const std::vector<LayerFile>& files) {
  std::vector<std::string> paths;
  for (const LayerFile& file : files) paths.push_back(file.path);
  return paths;
}

TEST_F(IndexTest, CopyIsIntendedThenPlaced) {
  const auto index = open();
  EXPECT_FALSE(index->layer_file("m/model.neff"));
  LayerFile expected = sample_copy("m/model.neff");
  EXPECT_TRUE(index->intend_copy(expected));
  expected.placement = Placement::kIntended;
  EXPECT_EQ(index->layer_file("m/model.neff"), expected);
  EXPECT_EQ(index->intended_copies(), std::vector{expected});

  index->place_copy("m/model.neff", 1000, 42);
  expected.placement = Placement::kPlaced;
  expected.mtime_ns = 42;
  EXPECT_EQ(index->layer_file("m/model.neff"), expected);
  EXPECT_TRUE(index->intended_copies().empty());
}

TEST_F(IndexTest, PlacedCopyIsIntendedAgainForANewVersion) {
  const auto index = open();
  index->intend_copy(sample_copy("f"));
  index->place_copy("f", 1000, 42);
  LayerFile newer = sample_copy("f");
  newer.content = "sha1:new";
  EXPECT_TRUE(index->intend_copy(newer));
  newer.placement = Placement::kIntended;
  EXPECT_EQ(index->layer_file("f"), newer);
}

TEST_F(IndexTest, OursIsNeverMadeACopy) {
  const auto index = open();
  index->intend_copy(sample_copy("f"));
  index->mark_ours("f");
  const LayerFile ours{"f", Origin::kOurs, Placement::kPlaced, "", "", "", 0, 0};
  EXPECT_EQ(index->layer_file("f"), ours);
  EXPECT_FALSE(index->intend_copy(sample_copy("f")));
  index->place_copy("f", 7, 7);
  EXPECT_EQ(index->layer_file("f"), ours);
  index->forget_file("f");
  EXPECT_TRUE(index->intend_copy(sample_copy("f")));
}

TEST_F(IndexTest, PlacingWhatWasForgottenMakesNoRecord) {
  const auto index = open();
  index->intend_copy(sample_copy("f"));
  index->forget_file("f");
  index->place_copy("f", 7, 7);
  EXPECT_FALSE(index->layer_file("f"));
}

TEST_F(IndexTest, BelowADirectoryMeansItAndItsContents) {
  const auto index = open();
  for (const char* path : {"a", "a/b", "a/b/c", "a/b+c", "a/b.c", "a/b0", "a/b-c/d", "ab", "b"}) {
    index->mark_ours(path);
  }
  using Paths = std::vector<std::string>;
  EXPECT_EQ(paths_of(index->layer_files_below("a/b")), (Paths{"a/b", "a/b/c"}));
  EXPECT_EQ(paths_of(index->layer_files_below("a/b-c")), (Paths{"a/b-c/d"}));
  EXPECT_EQ(paths_of(index->layer_files_below("nothing")), Paths());
  EXPECT_EQ(paths_of(index->layer_files_below("")),
            (Paths{"a", "a/b", "a/b+c", "a/b-c/d", "a/b.c", "a/b/c", "a/b0", "ab", "b"}));
}

TEST_F(IndexTest, RecordsFollowARename) {
  const auto index = open();
  index->mark_ours("m/x");
  index->intend_copy(sample_copy("m/\xff/y"));
  index->mark_ours("m+1/z");
  index->foretell_move("m", "m.bad");
  EXPECT_EQ(paths_of(index->layer_files_below("")),
            (std::vector<std::string>{"m+1/z", "m.bad/x", "m.bad/\xff/y", "m/x", "m/\xff/y"}));
  EXPECT_EQ(index->layer_file("m.bad/\xff/y")->origin, Origin::kOurs);
  EXPECT_EQ(index->layer_file("m/\xff/y")->origin, Origin::kCopy) << "nothing has happened yet";
  index->finish_move("m", "m.bad");
  EXPECT_EQ(paths_of(index->layer_files_below("")),
            (std::vector<std::string>{"m+1/z", "m.bad/x", "m.bad/\xff/y"}));
}

TEST_F(IndexTest, ARenameOverACopyLeavesNoRecordOfIt) {
  const auto index = open();
  index->intend_copy(sample_copy("f"));
  index->foretell_move("found here", "f");
  EXPECT_EQ(index->layer_file("f")->origin, Origin::kOurs) << "a crash now leaves no copy's record";
  index->finish_move("found here", "f");
  EXPECT_FALSE(index->layer_file("f"));
}

TEST_F(IndexTest, ARenameThatFailedLeavesTheRecordsAsTheyWere) {
  const auto index = open();
  index->intend_copy(sample_copy("f"));
  index->mark_ours("mine");
  const auto before = index->layer_files_below("f");
  index->foretell_move("mine", "f");
  index->recall_move("f", before);
  EXPECT_EQ(index->layer_files_below("f"), before);
  EXPECT_TRUE(index->layer_file("mine"));
}

TEST_F(IndexTest, TotalsCountPlacedCopiesOnly) {
  const auto index = open();
  for (const char* path : {"a", "b", "c", "d"}) index->intend_copy(sample_copy(path));
  index->place_copy("a", 10, 1);
  index->place_copy("b", 5'000'000'000, 1);
  index->place_copy("d", 7, 1);
  index->mark_ours("d");
  EXPECT_EQ(index->copy_totals().files, 2U);
  EXPECT_EQ(index->copy_totals().bytes, 5'000'000'010U);
}

TEST_F(IndexTest, TotalsAreReadWithoutAMount) {
  EXPECT_FALSE(index::glance_at(file_));
  {
    const auto index = open();
    index->intend_copy(sample_copy("a"));
    index->place_copy("a", 10, 1);
  }
  const auto totals = index::glance_at(file_);
  ASSERT_TRUE(totals);
  EXPECT_EQ(totals->copies.files, 1U);
  EXPECT_EQ(totals->copies.bytes, 10U);
}

TEST_F(IndexTest, NobodyElseMayReadTheFiles) {
  const auto index = open();
  index->mark_ours("f");
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat found {};
    ASSERT_EQ(::stat((file_.string() + suffix).c_str(), &found), 0) << suffix;
    EXPECT_EQ(found.st_mode & 0777, 0600U) << suffix;
  }
}

TEST_F(IndexTest, LongWalIsMovedIntoTheFile) {
  const auto index = open();
  for (int round = 0; round < 20; ++round) {
    index->put_tree("tree" + std::to_string(round), index::TreeDepth::kChildren,
                    sample_tree(5'000, "a"));
  }
  const auto wal_size = std::filesystem::file_size(file_.string() + "-wal");
  EXPECT_GT(std::filesystem::file_size(file_), wal_size);
  EXPECT_LT(wal_size, 12U << 20);
}

}  // namespace
}  // namespace neffs::test
