// Nothing goes to another target than it was written for, whatever happens to it on the way.
#include "tests/unit/index/upload_kit.h"

namespace neffs::test {
namespace {

using index::Index;
using index::Origin;
using index::Queued;
using Paths = std::vector<std::string>;

class UploadTargetsTest : public IndexTest {
 protected:
  void write(const std::string& module) {
    for (const auto& file : sample_files(module)) index_->mark_ours(file.path);
  }
  void restart(const std::optional<index::UploadTarget>& target) {
    index_.reset();
    index_ = open();
    index_->set_upload_target(target);
  }

  std::unique_ptr<Index> index_ = open();
};

TEST_F(UploadTargetsTest, UploadsOfOthersAreHeld) {
  queue(*index_, "mine");
  queue(*index_, "theirs", 1, kOther);
  const auto generation = prepare(*index_, "theirs, in work", 1, kOther);
  EXPECT_EQ(index_->upload("theirs, in work")->entry.generation, generation);
  const auto entries = index_->open_uploads(kLab);
  ASSERT_EQ(paths_of_entries(entries), (Paths{"mine", "theirs", "theirs, in work"}));
  EXPECT_EQ(name_of(entries[0].state), "queued");
  EXPECT_EQ(name_of(entries[1].state), "held");
  EXPECT_EQ(name_of(entries[2].state), "held");
  EXPECT_EQ(entries[1].target, kOther);
  EXPECT_EQ(index_->upload_totals(kLab).held, (index::UploadCount{2, 2000}));
  EXPECT_EQ(index_->upload_totals(index::UploadTarget{}).held, (index::UploadCount{3, 3000}));
  EXPECT_EQ(index_->upload_totals(std::nullopt).held, index::UploadCount());
  EXPECT_EQ(name_of(index_->open_uploads(std::nullopt)[1].state), "queued");
  EXPECT_EQ(index_->due_uploads(kLab, kNow, kNoLimit).size(), 1U);
  EXPECT_TRUE(index_->recover_pushes(kLab, kNow).empty());
  EXPECT_EQ(state_of_upload(*index_, "theirs, in work"), "uploading");
  EXPECT_TRUE(begin(*index_, {generation}).uploads.empty()) << "not in a push to the lab";
}

TEST_F(UploadTargetsTest, BranchAndEndpointAreOfTheTarget) {
  auto branch = kLab;
  branch.branch = "other";
  auto endpoint = kLab;
  endpoint.endpoint = "https://mirror.example";
  queue(*index_, kModule);
  EXPECT_TRUE(index_->due_uploads(branch, kNow, kNoLimit).empty());
  EXPECT_TRUE(index_->due_uploads(endpoint, kNow, kNoLimit).empty());
}

TEST_F(UploadTargetsTest, WhatWasQueuedForOneIsNeverQueuedForAnother) {
  queue(*index_, kModule);
  for (const int version : {1, 2}) {
    const auto queued = queue(*index_, kModule, version, kOther);
    EXPECT_TRUE(queued.is_held);
    EXPECT_EQ(index_->upload(kModule)->entry.target, kLab);
    EXPECT_TRUE(index_->due_uploads(kOther, kNow, kNoLimit).empty());
  }
}

// The mount was killed before the module was quiet, and the next one publishes elsewhere.
TEST_F(UploadTargetsTest, WhatWasWrittenForOneIsNeverQueuedForAnother) {
  index_->set_upload_target(kLab);
  write(kModule);
  restart(kOther);
  const auto queued = queue(*index_, kModule, 1, kOther);
  EXPECT_EQ(queued.change, Queued::Change::kNew);
  EXPECT_TRUE(queued.is_held);
  EXPECT_EQ(name_of(index_->open_uploads(kOther).at(0).state), "held");
  restart(kLab);
  EXPECT_EQ(index_->due_uploads(kLab, kNow, kNoLimit).size(), 1U);
}

TEST_F(UploadTargetsTest, ARenameChangesNothingAboutIt) {
  index_->set_upload_target(kLab);
  write(kModule);
  queue(*index_, kModule);
  index_->set_upload_target(kOther);
  index_->foretell_move(kModule, "MODULE_2");
  EXPECT_EQ(state_of_upload(*index_, kModule), "queued") << "nothing has happened yet";
  index_->finish_move(kModule, "MODULE_2");
  EXPECT_EQ(state_of_upload(*index_, kModule), "absent");
  EXPECT_EQ(state_of_upload(*index_, "MODULE_2"), "absent");
  EXPECT_TRUE(queue(*index_, "MODULE_2", 1, kOther).is_held);
  EXPECT_FALSE(queue(*index_, "MODULE_2", 1, kLab).is_held);
}

TEST_F(UploadTargetsTest, WritingAgainChangesNothingAboutIt) {
  index_->set_upload_target(kLab);
  write(kModule);
  index_->set_upload_target(kOther);
  write(kModule);
  EXPECT_TRUE(queue(*index_, kModule, 1, kOther).is_held);
}

TEST_F(UploadTargetsTest, ASingleFileOfAnotherTargetHoldsItAll) {
  index_->set_upload_target(kOther);
  write(kModule);
  index_->set_upload_target(kLab);
  index_->mark_ours("elsewhere");
  index_->foretell_move("elsewhere", kNeff);
  index_->finish_move("elsewhere", kNeff);
  EXPECT_TRUE(queue(*index_, kModule, 1, kOther).is_held);
  EXPECT_TRUE(queue(*index_, kModule, 1, kLab).is_held);
}

TEST_F(UploadTargetsTest, CompiledAnewItIsTheNewTargets) {
  index_->set_upload_target(kLab);
  write(kModule);
  const auto first = prepare(*index_, kModule);
  ASSERT_TRUE(index_->note_uploaded(first, kNeff));
  for (const auto& file : sample_files(kModule)) index_->forget_file(file.path);
  index_->set_upload_target(kOther);
  write(kModule);
  EXPECT_FALSE(queue(*index_, kModule, 1, kOther).is_held);
  const auto upload = index_->upload(kModule);
  EXPECT_EQ(upload->entry.target, kOther);
  EXPECT_FALSE(upload->files[1].is_uploaded) << "not to this one";
  EXPECT_EQ(upload->files[1].mode, index::UploadMode::kUnknown);
  EXPECT_EQ(upload->files[1].sha256, sha256_of(kNeff));
}

TEST_F(UploadTargetsTest, WrittenForNobodyItIsWhoevers) {
  index_->set_upload_target(std::nullopt);
  write(kModule);
  EXPECT_EQ(index_->layer_file(kNeff)->target, 0);
  index_->set_upload_target(kLab);
  EXPECT_FALSE(queue(*index_, kModule, 1, kOther).is_held);
  EXPECT_TRUE(queue(*index_, kModule, 1, kLab).is_held) << "from the first time on";
}

// What is found in the layer has no records; queueing it is what releases it.
TEST_F(UploadTargetsTest, QueueingMakesTheFilesOurs) {
  ASSERT_TRUE(index_->intend_copy(sample_copy(kDone)));
  index_->place_copy(kDone, 0, 5);
  queue(*index_, kModule);
  EXPECT_EQ(index_->layer_file(kDone)->origin, Origin::kCopy) << "copies stay copies";
  const auto neff = index_->layer_file(kNeff);
  ASSERT_TRUE(neff);
  EXPECT_EQ(neff->origin, Origin::kOurs);
  EXPECT_TRUE(neff->is_queued);
  EXPECT_NE(neff->target, 0);
}

}  // namespace
}  // namespace neffs::test
