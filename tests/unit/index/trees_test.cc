#include "tests/unit/index/index_kit.h"

namespace neffs::test {
namespace {

using index::SourceRecord;
using index::TreeDepth;
using index::TreeEntry;

TEST_F(IndexTest, TreeComesBackWholeAndByPath) {
  const auto index = open();
  EXPECT_TRUE(report_.created);
  const std::vector<TreeEntry> entries = sample_tree(10'000, "a");
  const std::vector<TreeEntry> backwards(entries.rbegin(), entries.rend());
  index->put_tree("tree-1", TreeDepth::kChildren, backwards);
  EXPECT_EQ(index->tree("tree-1", TreeDepth::kChildren), entries);
}

TEST_F(IndexTest, UnknownTreeIsNotAnEmptyTree) {
  const auto index = open();
  index->put_tree("empty", TreeDepth::kChildren, {});
  EXPECT_EQ(index->tree("empty", TreeDepth::kChildren), std::vector<TreeEntry>());
  EXPECT_EQ(index->tree("empty", TreeDepth::kEverything), std::nullopt);
  EXPECT_EQ(index->tree("other", TreeDepth::kChildren), std::nullopt);
}

TEST_F(IndexTest, DepthsOfOneTreeAreApart) {
  const auto index = open();
  index->put_tree("tree", TreeDepth::kChildren, sample_tree(1, "a"));
  index->put_tree("tree", TreeDepth::kEverything, sample_tree(2, "b"));
  EXPECT_EQ(index->tree("tree", TreeDepth::kChildren), sample_tree(1, "a"));
  EXPECT_EQ(index->tree("tree", TreeDepth::kEverything), sample_tree(2, "b"));
}

TEST_F(IndexTest, PuttingATreeAgainReplacesIt) {
  const auto index = open();
  index->put_tree("tree", TreeDepth::kChildren, sample_tree(5, "a"));
  index->put_tree("tree", TreeDepth::kChildren, sample_tree(2, "b"));
  EXPECT_EQ(index->tree("tree", TreeDepth::kChildren), sample_tree(2, "b"));
}

TEST_F(IndexTest, TreeThatCannotBeStoredLeavesTheOldOne) {
  const auto index = open();
  index->put_tree("tree", TreeDepth::kChildren, sample_tree(5, "a"));
  std::vector<TreeEntry> twice = sample_tree(3, "b");
  twice.push_back(twice.front());
  EXPECT_THROW(index->put_tree("tree", TreeDepth::kChildren, twice), index::IndexError);
  EXPECT_EQ(index->tree("tree", TreeDepth::kChildren), sample_tree(5, "a"));
}

TEST_F(IndexTest, NamesThatAreNotTextAndSizesBeyondFourGigabytesAreKept) {
  const auto index = open();
  const std::vector<TreeEntry> entries = {
      {"\xff\xfe name with 'quotes' and \n", false, "0", 5'000'000'000'000, "sha1:0"}};
  index->put_tree("tree", TreeDepth::kChildren, entries);
  EXPECT_EQ(index->tree("tree", TreeDepth::kChildren), entries);
}

TEST_F(IndexTest, SourceIsRememberedByEndpointRepoAndRevision) {
  SourceRecord record{"https://hub.example", "old/name", "main", "new/name", "c0ffee",
                      1'790'000'000,         true};
  {
    const auto index = open();
    EXPECT_FALSE(index->source("https://hub.example", "old/name", "main"));
    index->put_source(record);
    record.commit = "decade";
    index->put_source(record);
  }
  const auto index = open();
  EXPECT_FALSE(report_.created);
  const auto found = index->source("https://hub.example", "old/name", "main");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->canonical_id, "new/name");
  EXPECT_EQ(found->commit, "decade");
  EXPECT_EQ(found->last_modified_s, 1'790'000'000);
  EXPECT_TRUE(found->is_private);
  EXPECT_FALSE(index->source("https://hub.example", "old/name", "v1"));
  EXPECT_FALSE(index->source("https://other.example", "old/name", "main"));
}

}  // namespace
}  // namespace neffs::test
