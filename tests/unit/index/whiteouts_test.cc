#include "tests/unit/index/index_kit.h"

namespace neffs::test {
namespace {

using index::LockRecord;
using index::Whiteout;

using Whiteouts = std::vector<Whiteout>;
using Locks = std::vector<LockRecord>;

TEST_F(IndexTest, WhiteoutsOutliveTheProgram) {
  open()->put_whiteout({"v/m/model.neff", "sha256:ab"});
  EXPECT_EQ(open()->whiteouts(), (Whiteouts{{"v/m/model.neff", "sha256:ab"}}));
}

TEST_F(IndexTest, AWhiteoutReplacesTheOneOfItsName) {
  const auto index = open();
  index->put_whiteout({"f", "sha1:old"});
  index->put_whiteout({"f", "sha1:new"});
  EXPECT_EQ(index->whiteouts(), (Whiteouts{{"f", "sha1:new"}}));
  index->drop_whiteout("f");
  EXPECT_TRUE(index->whiteouts().empty());
}

TEST_F(IndexTest, AWhiteoutOfADirectoryTakesThePlaceOfThoseBelow) {
  const auto index = open();
  for (const char* path : {"a/b", "a/b/c", "a/b/c/d", "a/b+c", "a/bc"})
    index->put_whiteout({path, ""});
  index->put_whiteout_over({"a/b", "id"});
  EXPECT_EQ(index->whiteouts(), (Whiteouts{{"a/b", "id"}, {"a/b+c", ""}, {"a/bc", ""}}));
  index->drop_whiteouts_below("a/b");
  EXPECT_EQ(index->whiteouts(), (Whiteouts{{"a/b+c", ""}, {"a/bc", ""}}));
  index->drop_whiteouts_below("");
  EXPECT_TRUE(index->whiteouts().empty());
}

TEST_F(IndexTest, LocksOutliveTheProgram) {
  const LockRecord lock{"v/m/model.hlo_module.pb.lock", 4711, 12345678, "boot", 4026531836, 99};
  open()->put_lock(lock);
  const auto index = open();
  EXPECT_EQ(index->locks(), Locks{lock});
  index->drop_lock(lock.path);
  EXPECT_TRUE(index->locks().empty());
}

TEST_F(IndexTest, ExchangedNamesExchangeTheirRecords) {
  const auto index = open();
  index->mark_ours("a/f");
  index->mark_ours("b");
  index->exchange_files("a", "b");
  EXPECT_TRUE(index->layer_file("b/f"));
  EXPECT_TRUE(index->layer_file("a"));
  EXPECT_FALSE(index->layer_file("a/f"));
  EXPECT_FALSE(index->layer_file("b"));
}

}  // namespace
}  // namespace neffs::test
