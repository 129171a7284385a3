// Commits: what is in them, what becomes a copy when they were made, what is found out after a crash.
#include "tests/unit/index/upload_kit.h"

namespace neffs::test {
namespace {

using index::Index;
using index::LayerFile;
using index::Origin;
using index::Placement;
using index::Push;
using index::UploadMode;
using Paths = std::vector<std::string>;

class PushesTest : public IndexTest {
 protected:
  index::PushOutcome finish(const std::string& id = "push") {
    return index_->finish_push(id, "commit", kSource, kNow + 1);
  }
  bool is_ours(const std::string& path) {
    const auto file = index_->layer_file(path);
    return file && file->origin == Origin::kOurs;
  }

  std::unique_ptr<Index> index_ = open();
};

TEST_F(PushesTest, APushSaysWhatItsCommitHolds) {
  const auto generation = prepare(*index_, kModule);
  const Push expected{
      "push",
      kLab,
      "parent",
      kNow,
      {{kModule, generation, {{kDone, sha1_of(kDone)}, {kNeff, sha256_of(kNeff)}}}}};
  EXPECT_EQ(begin(*index_, {generation, generation}), expected);
  EXPECT_EQ(index_->recover_pushes(kLab, kNow), std::vector{expected});
  EXPECT_EQ(state_of_upload(*index_), "uploading");
}

TEST_F(PushesTest, WhatIsPushedIsACopyOfItsSource) {
  begin(*index_, {prepare(*index_, kModule)});
  const auto outcome = finish();
  EXPECT_EQ(outcome.pushed, (Paths{kModule}));
  EXPECT_TRUE(outcome.changed.empty());
  EXPECT_EQ(index_->layer_file(kNeff), (LayerFile{kNeff, Origin::kCopy, Placement::kPlaced, kSource,
                                                  "commit", sha256_of(kNeff), 1000, 6}));
  EXPECT_EQ(index_->layer_file(kDone), (LayerFile{kDone, Origin::kCopy, Placement::kPlaced, kSource,
                                                  "commit", sha1_of(kDone), 0, 5}));
  EXPECT_EQ(index_->copy_totals().files, 2U);
  const auto entry = index_->upload(kModule)->entry;
  EXPECT_EQ(entry.commit, "commit");
  EXPECT_EQ(entry.updated_s, kNow + 1);
  EXPECT_TRUE(index_->recover_pushes(kLab, kNow).empty());
}

TEST_F(PushesTest, FinishedTwiceItChangesNothing) {
  begin(*index_, {prepare(*index_, kModule)});
  finish();
  const auto upload = index_->upload(kModule);
  const auto outcome = index_->finish_push("push", "another", kSource, kNow + 9);
  EXPECT_TRUE(outcome.pushed.empty() && outcome.changed.empty());
  EXPECT_EQ(index_->upload(kModule), upload);
}

TEST_F(PushesTest, OnlyWhatIsReadyIsTaken) {
  const auto ready = prepare(*index_, "ready");
  const auto waiting = queue(*index_, "waiting").generation;
  const auto unhashed = queue(*index_, "unhashed").generation;
  index_->mark_uploading(std::vector{unhashed}, kNow);
  const auto modeless = prepare(*index_, "modeless");
  index_->note_mode(modeless, "modeless/model.neff", UploadMode::kUnknown);
  const auto old = prepare(*index_, "old");
  queue(*index_, "old", 2);
  const auto push = begin(*index_, {ready, waiting, unhashed, modeless, old});
  ASSERT_EQ(push.uploads.size(), 1U);
  EXPECT_EQ(push.uploads[0].path, "ready");
  EXPECT_TRUE(begin(*index_, {waiting}, "empty").uploads.empty());
  EXPECT_EQ(index_->recover_pushes(kLab, kNow).size(), 1U) << "an empty push is none";
}

TEST_F(PushesTest, APushIsBegunAgainWithAnotherParent) {
  const auto one = prepare(*index_, "one");
  const auto two = prepare(*index_, "two");
  begin(*index_, {one, two});
  index_->begin_push("push", kLab, "newer", std::vector{two}, kNow);
  const auto pushes = index_->recover_pushes(kLab, kNow);
  ASSERT_EQ(pushes.size(), 1U);
  EXPECT_EQ(pushes[0].parent, "newer");
  EXPECT_EQ(paths_of_entries(pushes[0].uploads), (Paths{"two"}));
  EXPECT_EQ(state_of_upload(*index_, "one"), "queued");
}

TEST_F(PushesTest, APushThatIsGivenUpLeavesItsUploads) {
  const auto generation = prepare(*index_, kModule);
  begin(*index_, {generation});
  index_->end_push("push");
  index_->end_push("push");
  EXPECT_EQ(state_of_upload(*index_), "uploading");
  EXPECT_TRUE(finish().pushed.empty());
  EXPECT_TRUE(is_ours(kNeff));
  begin(*index_, {generation}, "second");
  EXPECT_EQ(finish("second").pushed, (Paths{kModule}));
}

// --- what changes meanwhile -----------------------------------------------------------------------

TEST_F(PushesTest, WhatWasQueuedAnewMeanwhileStaysOurs) {
  begin(*index_, {prepare(*index_, kModule)});
  const auto newer = queue(*index_, kModule, 2).generation;
  const auto outcome = finish();
  EXPECT_TRUE(outcome.pushed.empty());
  EXPECT_EQ(outcome.changed, (Paths{kModule}));
  EXPECT_TRUE(is_ours(kNeff) && is_ours(kDone));
  const auto entry = index_->upload(kModule)->entry;
  EXPECT_EQ(entry.generation, newer);
  EXPECT_EQ(name_of(entry.state), "queued");
  EXPECT_EQ(entry.commit, "commit") << "an earlier one is there";
}

TEST_F(PushesTest, WhatWasOpenedForWritingMeanwhileStaysOurs) {
  begin(*index_, {prepare(*index_, kModule)});
  index_->mark_ours(kNeff);
  EXPECT_EQ(finish().changed, (Paths{kModule}));
  EXPECT_TRUE(is_ours(kNeff));
  EXPECT_FALSE(is_ours(kDone));
  EXPECT_EQ(state_of_upload(*index_), "queued");
  // Quiet again, and nothing was written after all.
  EXPECT_EQ(queue(*index_, kModule).change, index::Queued::Change::kAnew);
  const std::vector generations{index_->upload(kModule)->entry.generation};
  index_->mark_uploading(generations, kNow);
  begin(*index_, generations, "second");
  EXPECT_EQ(finish("second").pushed, (Paths{kModule}));
  EXPECT_FALSE(is_ours(kNeff));
  EXPECT_EQ(index_->layer_file(kDone)->commit, "commit");
}

TEST_F(PushesTest, WhatWasDroppedMeanwhileIsNotBroughtBack) {
  begin(*index_, {prepare(*index_, kModule)});
  index_->drop_uploads(kModule);
  const auto outcome = finish();
  EXPECT_TRUE(outcome.pushed.empty() && outcome.changed.empty());
  EXPECT_EQ(state_of_upload(*index_), "absent");
  EXPECT_TRUE(is_ours(kNeff));
}

TEST_F(PushesTest, AFileThatWasDeletedMeanwhileGetsNoRecord) {
  begin(*index_, {prepare(*index_, kModule)});
  index_->forget_file(kNeff);
  finish();
  EXPECT_FALSE(index_->layer_file(kNeff));
}

TEST_F(PushesTest, AFileThatWasRenamedOverMeanwhileStaysOurs) {
  index_->mark_ours("tmp");
  begin(*index_, {prepare(*index_, kModule)});
  index_->foretell_move("tmp", kNeff);
  index_->finish_move("tmp", kNeff);
  EXPECT_EQ(finish().changed, (Paths{kModule}));
  EXPECT_TRUE(is_ours(kNeff));
}

TEST_F(PushesTest, ARenameThatFailedChangesNothing) {
  index_->mark_ours("tmp");
  begin(*index_, {prepare(*index_, kModule)});
  const auto before = index_->layer_files_below(kNeff);
  index_->foretell_move("tmp", kNeff);
  index_->recall_move(kNeff, before);
  EXPECT_EQ(finish().pushed, (Paths{kModule}));
}

TEST_F(PushesTest, FilesThatWereExchangedMeanwhileStayOurs) {
  begin(*index_, {prepare(*index_, kModule)});
  index_->exchange_files(kNeff, kDone);
  EXPECT_EQ(finish().changed, (Paths{kModule}));
  EXPECT_TRUE(is_ours(kNeff) && is_ours(kDone));
}

TEST_F(PushesTest, AModuleThatWasMovedAwayMeanwhileIsNotPushedUnderItsNewName) {
  begin(*index_, {prepare(*index_, kModule)});
  index_->foretell_move(kModule, "MODULE_2");
  index_->finish_move(kModule, "MODULE_2");
  const auto outcome = finish();
  EXPECT_TRUE(outcome.pushed.empty() && outcome.changed.empty());
  EXPECT_TRUE(is_ours("MODULE_2/model.neff"));
}

TEST_F(PushesTest, ModulesThatChangeNamesAreQueuedUnderNone) {
  prepare(*index_, "one");
  prepare(*index_, "two");
  index_->exchange_files("one", "two");
  EXPECT_TRUE(index_->open_uploads(kLab).empty());
}

TEST_F(PushesTest, AFollowUpHoldsTheOldFilesAndTheNewOne) {
  begin(*index_, {prepare(*index_, kModule)});
  finish();
  const std::string late = kModule + "/wrapped_neff.hlo";
  index_->mark_ours(late);
  auto files = sample_files(kModule);
  files.push_back({late, {7, 7, 7, 7}});
  const std::vector generations{index_->queue_upload(kModule, kLab, files, kNow).generation};
  EXPECT_EQ(index_->upload(kModule)->entry.commit, "commit");
  EXPECT_EQ(index_->upload(kModule)->files[1].content(), sha256_of(kNeff));
  index_->note_hashes(generations[0], late, "sha256:late", "sha1:late");
  index_->note_mode(generations[0], late, UploadMode::kRegular);
  index_->mark_uploading(generations, kNow);
  EXPECT_EQ(begin(*index_, generations).uploads.at(0).files.size(), 3U);
  index_->finish_push("push", "second", kSource, kNow);
  EXPECT_EQ(index_->layer_file(late)->commit, "second");
  EXPECT_EQ(index_->layer_file(late)->content, "sha1:late");
  EXPECT_EQ(index_->layer_file(kNeff)->commit, "commit");
}

// --- after a crash --------------------------------------------------------------------------------

TEST_F(PushesTest, RecoveryTellsThePushesInTheirOrderAndQueuesTheRest) {
  const auto one = prepare(*index_, "one");
  const auto two = prepare(*index_, "two");
  prepare(*index_, "in no push");
  begin(*index_, {one}, "z, the first");
  begin(*index_, {two}, "a, the second");
  index_.reset();
  index_ = open();
  const auto pushes = index_->recover_pushes(kLab, kNow);
  ASSERT_EQ(pushes.size(), 2U);
  EXPECT_EQ(pushes[0].id, "z, the first");
  EXPECT_EQ(pushes[1].id, "a, the second");
  EXPECT_EQ(state_of_upload(*index_, "in no push"), "queued");
  EXPECT_EQ(finish("z, the first").pushed, (Paths{"one"}));
  index_->end_push("a, the second");
  EXPECT_TRUE(index_->recover_pushes(kLab, kNow).empty());
  EXPECT_EQ(state_of_upload(*index_, "two"), "queued");
}

TEST_F(PushesTest, ACommitThatWasMadeCountsHoweverItsUploadsStand) {
  const auto one = prepare(*index_, "one");
  const auto two = prepare(*index_, "two");
  begin(*index_, {one, two});
  index_->put_back(std::vector{one}, kNow + 60, "no answer", kNow);
  index_->supersede_uploads(std::vector{two}, "theirs", kNow);
  EXPECT_EQ(finish().pushed, (Paths{"one", "two"}));
  EXPECT_EQ(state_of_upload(*index_, "one"), "pushed");
  EXPECT_EQ(state_of_upload(*index_, "two"), "pushed");
  EXPECT_FALSE(is_ours("two/model.neff"));
}

}  // namespace
}  // namespace neffs::test
