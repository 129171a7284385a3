// The queue: what is queued, what stays known of it, every change of state and those that are refused.
#include <fmt/format.h>

#include "tests/unit/index/upload_kit.h"

namespace neffs::test {
namespace {

using index::Index;
using index::Queued;
using index::UploadEntry;
using index::UploadMode;
using Paths = std::vector<std::string>;

class UploadsTest : public IndexTest {
 protected:
  UploadEntry entry() const { return index_->upload(kModule)->entry; }
  index::UploadFile neff() const { return index_->upload(kModule)->files.at(1); }
  std::vector<index::Upload> due(std::int64_t now_s = kNow) const {
    return index_->due_uploads(kLab, now_s, kNoLimit);
  }

  const std::unique_ptr<Index> index_ = open();
};

TEST_F(UploadsTest, AModuleIsQueuedAsItWasSeen) {
  const Queued queued = queue(*index_, kModule);
  EXPECT_EQ(queued.change, Queued::Change::kNew);
  EXPECT_FALSE(queued.is_held);
  const auto upload = index_->upload(kModule);
  ASSERT_TRUE(upload);
  UploadEntry expected;
  expected.path = kModule;
  expected.generation = queued.generation;
  expected.target = kLab;
  expected.files = 2;
  expected.bytes = 1000;
  expected.updated_s = kNow;
  EXPECT_EQ(upload->entry, expected);
  ASSERT_EQ(upload->files.size(), 2U);
  EXPECT_EQ(upload->files[0].path, kDone);
  EXPECT_EQ(upload->files[1],
            (index::UploadFile{kNeff, {1000, 6, 7, 11}, "", "", UploadMode::kUnknown, false}));
  EXPECT_EQ(due(), std::vector{*upload});
}

TEST_F(UploadsTest, TheSameFilesChangeNothing) {
  const auto first = queue(*index_, kModule);
  const auto again = queue(*index_, kModule);
  EXPECT_EQ(again.change, Queued::Change::kUnchanged);
  EXPECT_EQ(again.generation, first.generation);
}

TEST_F(UploadsTest, AnyDifferenceIsANewGeneration) {
  const auto files = sample_files(kModule);
  std::vector<std::vector<index::SeenFile>> others(6, files);
  others[0][1].snapshot.size = 1001;
  others[1][1].snapshot.mtime_ns = 1;
  others[2][1].snapshot.ctime_ns = 1;
  others[3][1].snapshot.inode = 1;
  others[4].pop_back();
  others[5].push_back({kModule + "/wrapped_neff.hlo", {}});
  auto before = queue(*index_, kModule).generation;
  for (const auto& other : others) {
    for (const auto& now : {other, files}) {
      const auto queued = index_->queue_upload(kModule, kLab, now, kNow);
      EXPECT_EQ(queued.change, Queued::Change::kAnew);
      EXPECT_GT(queued.generation, before);
      before = queued.generation;
    }
  }
}

TEST_F(UploadsTest, ADroppedGenerationNeverComesAgain) {
  const auto first = queue(*index_, kModule).generation;
  index_->drop_uploads(kModule);
  EXPECT_EQ(state_of_upload(*index_), "absent");
  EXPECT_GT(queue(*index_, kModule).generation, first);
  EXPECT_FALSE(index_->note_mode(first, kNeff, UploadMode::kLfs));
}

TEST_F(UploadsTest, WhatIsKnownOfUnchangedFilesStaysKnown) {
  const auto first = prepare(*index_, kModule);
  ASSERT_TRUE(index_->note_uploaded(first, kNeff));
  const auto known = neff();
  EXPECT_TRUE(known.is_uploaded);
  auto files = sample_files(kModule);
  files.push_back({kModule + "/wrapped_neff.hlo", {7, 7, 7, 7}});
  index_->queue_upload(kModule, kLab, files, kNow);
  EXPECT_EQ(neff(), known);
  EXPECT_EQ(index_->upload(kModule)->files[2].sha256, "");
  EXPECT_EQ(state_of_upload(*index_), "queued");
}

TEST_F(UploadsTest, BytesThatAreThereAreNotUploadedAgain) {
  ASSERT_TRUE(index_->note_uploaded(prepare(*index_, kModule), kNeff));
  queue(*index_, kModule, 2);
  EXPECT_EQ(neff().sha256, "");
  EXPECT_FALSE(neff().is_uploaded);
  EXPECT_EQ(neff().mode, UploadMode::kUnknown);
  const auto generation = queue(*index_, kModule, 3).generation;
  index_->note_hashes(generation, kNeff, sha256_of("others"), "");
  EXPECT_FALSE(neff().is_uploaded);
  index_->note_hashes(generation, kNeff, sha256_of(kNeff), "");
  EXPECT_TRUE(neff().is_uploaded) << "written again, with the same bytes";
}

TEST_F(UploadsTest, NothingIsUploadedThatWasNotHashed) {
  const auto generation = queue(*index_, kModule).generation;
  EXPECT_FALSE(index_->note_uploaded(generation, kNeff));
  EXPECT_FALSE(index_->note_hashes(generation, kModule + "/nothing", "a", "b"));
  EXPECT_FALSE(neff().is_uploaded);
}

TEST_F(UploadsTest, ContentIsWhatTheTargetListsItUnder) {
  const index::UploadFile file{"f", {}, "sha256:a", "sha1:b", UploadMode::kUnknown, false};
  const auto with = [&](UploadMode mode) {
    auto copy = file;
    copy.mode = mode;
    return copy.content();
  };
  EXPECT_EQ(with(UploadMode::kLfs), "sha256:a");
  EXPECT_EQ(with(UploadMode::kRegular), "sha1:b");
  EXPECT_EQ(with(UploadMode::kUnknown), "");
}

// --- states ---------------------------------------------------------------------------------------

TEST_F(UploadsTest, MarkingSaysWhatIsUploading) {
  const auto one = queue(*index_, "one").generation;
  const auto two = queue(*index_, "two").generation;
  const auto three = queue(*index_, "three").generation;
  index_->fail_upload(two, "error", kNow);
  index_->mark_uploading(std::vector{three}, kNow);
  EXPECT_EQ(index_->mark_uploading(std::vector{one, two, three, std::int64_t{99}}, kNow),
            (std::vector{one, three}));
}

TEST_F(UploadsTest, PuttingBackCountsAttemptsAndWaits) {
  const std::vector generations{prepare(*index_, kModule)};
  index_->put_back(generations, kNow + 60, "412", kNow + 1);
  EXPECT_EQ(entry().attempts, 1);
  EXPECT_EQ(entry().error, "412");
  EXPECT_EQ(entry().updated_s, kNow + 1);
  EXPECT_TRUE(due(kNow + 59).empty());
  EXPECT_EQ(due(kNow + 60).size(), 1U);
  EXPECT_EQ(index_->next_due_s(kLab), kNow + 60);
  index_->make_due(kOther);
  EXPECT_TRUE(due().empty());
  index_->make_due(kLab);
  EXPECT_EQ(due().size(), 1U);
  index_->mark_uploading(generations, kNow);
  index_->put_back(generations, 0, "", kNow + 2);
  EXPECT_EQ(entry().attempts, 1) << "nothing went wrong this time";
  EXPECT_EQ(entry().error, "412");
}

TEST_F(UploadsTest, OtherFilesBeginAnewWithoutErrors) {
  index_->fail_upload(prepare(*index_, kModule), "error", kNow);
  EXPECT_EQ(queue(*index_, kModule).change, Queued::Change::kUnchanged);
  EXPECT_EQ(state_of_upload(*index_), "failed");
  EXPECT_EQ(queue(*index_, kModule, 2).change, Queued::Change::kAnew);
  EXPECT_EQ(state_of_upload(*index_), "queued");
  EXPECT_EQ(entry().error, "");
}

TEST_F(UploadsTest, WhatEndedIsNotQueuedAgainUnlessItChanged) {
  for (const char* state : {"pushed", "superseded"}) {
    reach(*index_, state);
    EXPECT_EQ(queue(*index_, kModule).change, Queued::Change::kUnchanged);
    EXPECT_EQ(state_of_upload(*index_), state);
    EXPECT_EQ(entry().commit, "commit");
    EXPECT_EQ(queue(*index_, kModule, 2).change, Queued::Change::kAnew);
    EXPECT_EQ(state_of_upload(*index_), "queued");
    EXPECT_EQ(entry().commit, "commit") << "an earlier generation is there";
    index_->drop_uploads("");
  }
}

// --- the order ------------------------------------------------------------------------------------

TEST_F(UploadsTest, DueAreTheOldestFirstUpToTheLimits) {
  for (const char* name : {"d", "c", "b", "a"}) queue(*index_, name);
  const auto take = [&](std::uint64_t uploads, std::uint64_t bytes) {
    Paths paths;
    for (const auto& upload : index_->due_uploads(kLab, kNow, {uploads, bytes}))
      paths.push_back(upload.entry.path);
    return paths;
  };
  EXPECT_EQ(take(10, 1'000'000), (Paths{"d", "c", "b", "a"}));
  EXPECT_EQ(take(2, 1'000'000), (Paths{"d", "c"}));
  EXPECT_EQ(take(10, 3000), (Paths{"d", "c", "b"}));
  EXPECT_EQ(take(10, 2999), (Paths{"d", "c"}));
  EXPECT_EQ(take(10, 1), (Paths{"d"})) << "larger than the limit, and has to go all the same";
  EXPECT_EQ(take(0, 0), (Paths{"d"}));
}

TEST_F(UploadsTest, NothingIsDueOfAnUnknownTarget) {
  queue(*index_, kModule);
  EXPECT_TRUE(index_->due_uploads(kOther, kNow, kNoLimit).empty());
  EXPECT_FALSE(index_->next_due_s(kOther));
  EXPECT_EQ(index_->next_due_s(kLab), 0);
}

TEST_F(UploadsTest, TheLastThatEndedStayKnownWhateverTheClockSays) {
  std::vector<std::string> names;
  for (int number = 0; number < 6; ++number) {
    names.push_back(fmt::format("m{}", number));
    const auto generation = prepare(*index_, names.back());
    if (number == 1) {
      index_->supersede_uploads(std::vector{generation}, "theirs", kNow - number);
    } else {
      begin(*index_, {generation});
      index_->finish_push("push", "commit", kSource, kNow - number);
    }
  }
  queue(*index_, "waits");
  EXPECT_EQ(paths_of_entries(index_->ended_uploads(3)), (Paths{"m5", "m4", "m3"}));
  index_->prune_uploads(2);
  EXPECT_EQ(paths_of_entries(index_->ended_uploads(100)), (Paths{"m5", "m4", "m1"}));
  EXPECT_EQ(paths_of_entries(index_->open_uploads(kLab)), (Paths{"waits"}));
  index_->prune_uploads(2);
  index_->prune_uploads(1000);
  EXPECT_EQ(index_->ended_uploads(100).size(), 3U);
}

TEST_F(UploadsTest, TotalsAreOfEachState) {
  for (const char* state : kStoredStates) {
    const auto generation = reach(*index_, state);
    EXPECT_GT(generation, 0);
    const auto totals = index_->upload_totals(kLab);
    const index::UploadCount one{1, 1000};
    EXPECT_EQ(totals.queued == one, state == std::string("queued"));
    EXPECT_EQ(totals.uploading == one, state == std::string("uploading"));
    EXPECT_EQ(totals.pushed == one, state == std::string("pushed"));
    EXPECT_EQ(totals.superseded == one, state == std::string("superseded"));
    EXPECT_EQ(totals.failed == one, state == std::string("failed"));
    EXPECT_EQ(totals.held, index::UploadCount());
    index_->drop_uploads("");
    index_->forget_file(kNeff);
    index_->forget_file(kDone);
  }
  EXPECT_EQ(index_->upload_totals(kLab), index::UploadTotals());
}

TEST_F(UploadsTest, DroppingMeansItAndWhatIsBelow) {
  for (const char* path : {"a/b", "a/b/c", "a/b+c", "a/b0", "a"}) queue(*index_, path);
  index_->drop_uploads("a/b");
  EXPECT_EQ(paths_of_entries(index_->open_uploads(kLab)), (Paths{"a", "a/b+c", "a/b0"}));
  EXPECT_TRUE(index_->layer_file("a/b/model.neff")) << "the files are still ours";
  index_->drop_uploads("");
  EXPECT_TRUE(index_->open_uploads(kLab).empty());
}

}  // namespace
}  // namespace neffs::test
