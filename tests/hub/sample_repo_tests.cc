// Has the sample repo the shape that the cache's users expect?
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/hub/digest.h"
#include "tests/hub/sample_repo.h"

namespace neffs::test {
namespace {

class SampleRepoTest : public ::testing::Test {
 protected:
  bool has(const std::string& path) const { return repo_.find(repo_.head(), path).has_value(); }

  TestHub hub_;
  const TestRepo& repo_ = sample::create(hub_);
};

TEST_F(SampleRepoTest, HoldsEveryFileWithItsBytes) {
  for (const NewFile& file : sample::files()) {
    const auto entry = repo_.find(repo_.head(), file.path);
    ASSERT_TRUE(entry) << file.path;
    EXPECT_EQ(read_all(*repo_.content(*entry)), sample::bytes_of(file.path)) << file.path;
  }
}

TEST_F(SampleRepoTest, FlagHashesAreTheMd5OfTheFlags) {
  for (const std::string& module :
       {sample::kTrainingModule, sample::kTransformerModule, sample::kInferenceModule}) {
    const std::string flags = sample::bytes_of(module + "/compile_flags.json");
    EXPECT_EQ(digest_hex(DigestKind::kMd5, flags).substr(0, 8),
              module.substr(module.rfind('+') + 1))
        << flags;
  }
}

TEST_F(SampleRepoTest, FinishedModulesHaveAllTheirFiles) {
  for (const std::string& module : {sample::kTrainingModule, sample::kTransformerModule,
                                    sample::kInferenceModule, sample::kPreviousModule}) {
    EXPECT_TRUE(has(module + "/model.hlo_module.pb"));
    const auto neff = repo_.find(repo_.head(), module + "/model.neff");
    ASSERT_TRUE(neff && neff->lfs);
    const auto done = repo_.find(repo_.head(), module + "/model.done");
    ASSERT_TRUE(done);
    EXPECT_EQ(done->oid, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  }
  EXPECT_TRUE(has(sample::kInferenceModule + "/wrapped_neff.hlo"));
}

TEST_F(SampleRepoTest, UnfinishedOnesLackWhatMakesThemFinished) {
  for (const std::string& module :
       {sample::kFailedModule, sample::kLockedModule, sample::kHalfModule}) {
    EXPECT_TRUE(has(module + "/model.hlo_module.pb"));
    EXPECT_FALSE(has(module + "/model.neff"));
    EXPECT_FALSE(has(module + "/model.done"));
  }
  EXPECT_TRUE(has(sample::kFailedModule + "/model.log"));
  EXPECT_TRUE(has(sample::kLockedModule + "/model.hlo_module.pb.lock"));
}

TEST_F(SampleRepoTest, OldFailuresAreTextInsideTheNeff) {
  EXPECT_LT(sample::bytes_of(sample::kOldFailedModule + "/model.neff").size(), 1024U);
  EXPECT_GT(sample::bytes_of(sample::kOldLongFailedModule + "/model.neff").size(), 1024U);
  EXPECT_NE(sample::bytes_of(sample::kOldModule + "/model.neff").substr(0, 512).find('\0'),
            std::string::npos);
}

TEST_F(SampleRepoTest, RegistryEntriesAreNamedByTheirText) {
  int entries = 0;
  for (const NewFile& file : sample::files()) {
    if (file.path.find("0_REGISTRY") == std::string::npos) continue;
    const std::string text = sample::bytes_of(file.path);
    EXPECT_TRUE(nlohmann::json::accept(text));
    EXPECT_NE(file.path.find(digest_hex(DigestKind::kSha512, text).substr(0, 20) + ".json"),
              std::string::npos)
        << file.path;
    ++entries;
  }
  EXPECT_EQ(entries, 6);
}

}  // namespace
}  // namespace neffs::test
