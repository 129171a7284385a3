// `neffs add`: what a trainer compiles is in the repo, and who cannot add anything is told before it runs.
#include <filesystem>
#include <string>
#include <vector>

#include "tests/publish/publishing.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;
using Words = std::vector<std::string>;

class AddTest : public PublishTest {
 protected:
  AddTest() {
    stdfs::create_directories(root_);
    put_files(made_, module_);
  }

  // As ada, who may write, unless `more` says otherwise.
  Ended add(const Words& words, const Words& trainer, Variables more = {}) const {
    Words all{"add",
              "-m",
              "lab/llama",
              "--task",
              "text-generation",
              "--train_batch_size",
              "8",
              "--precision",
              "bf16",
              "--num_cores",
              "2",
              "-o",
              "settle=0.2,commit_interval=0",
              "--mountpoint",
              root_.string()};
    all.insert(all.end(), words.begin(), words.end());
    if (!trainer.empty()) all.emplace_back("--");
    all.insert(all.end(), trainer.begin(), trainer.end());
    more.insert({"HF_TOKEN", kWriter});
    return neffs(all, more);
  }
  Ended add_to_repo(const Words& trainer, const Variables& more = {}) const {
    return add({"--sequence_length", "512", "--repo_id", kPushRepo}, trainer, more);
  }
  // Compiles the module, and says what it was told.
  Words trainer() const {
    return {"sh", "-c",
            "cp -R '" + made_.string() + "/.' '" + root_.string() +
                "' && echo {model} {sequence_length} {num_cores} {gradient_accumulation_steps} "
                "'{x}'"};
  }

  const stdfs::path root_ = scratch_ / "mnt";
  const stdfs::path made_ = scratch_ / "made";
  const MadeModule module_ = made_module(1);
};

TEST_F(AddTest, WhatTheTrainerCompilesIsInTheRepoAndNamed) {
  const Ended ended = add_to_repo(trainer());
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, "lab/llama 512 2 1 {x}\n");
  EXPECT_NE(ended.err.find("1 module new in " + kPushRepo + "\n  " + module_.path + "\n"),
            std::string::npos)
      << ended.err;
  expect_published_alone(module_);
  EXPECT_TRUE(scratch_.mounts().empty());
  EXPECT_NE(ended.err.find("1 module noted as used by lab/llama\n"), std::string::npos)
      << ended.err;
  const Ended again = add_to_repo({"true"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_NE(again.err.find("0 modules new"), std::string::npos) << again.err;
}

TEST_F(AddTest, WhatItCompiledIsWarmedByTheModel) {
  compile_into(root_, made_module(2));  // found there, and no use of it
  EXPECT_EQ(add_to_repo(trainer()).exit_code, 0);
  const auto mounted = mount_writing();
  EXPECT_EQ(neffs({"evict", "--to", "0", "--mountpoint", root_.string()}).exit_code, 0);
  EXPECT_NE(stat_error(mounted->layer(module_.path + "/model.neff")), 0);
  const Ended warmed = neffs({"warm", "--model", "lab/llama", "--mountpoint", root_.string()});
  EXPECT_EQ(warmed.exit_code, 0) << warmed.err;
  EXPECT_EQ(warmed.out.find("1 module with "), 0U) << warmed.out;
  EXPECT_TRUE(
      eventually([&] { return stat_error(mounted->layer(module_.path + "/model.done")) == 0; }));
}

TEST_F(AddTest, TheTrainerMayBeATemplateAndItsStatusCounts) {
  write_file(scratch_ / "train", "echo $1 $2; exit 7");
  const Ended failed = add_to_repo(
      {}, {{"NEFFS_TRAINER", "/bin/sh " + (scratch_ / "train").string() + " {model} {precision}"}});
  EXPECT_EQ(failed.exit_code, 7) << failed.err;
  EXPECT_EQ(failed.out, "lab/llama bf16\n");
}

TEST_F(AddTest, WrongArgumentsAreToldFirst) {
  const Words train{"touch", (scratch_ / "ran").string()};
  EXPECT_EQ(add({}, train).exit_code, 2) << "no length";
  EXPECT_EQ(add({"--encoder_sequence_length", "512"}, train).exit_code, 2);
  EXPECT_EQ(add({"--sequence_length", "0"}, train).exit_code, 2);
  EXPECT_EQ(add({"--sequence_length", "512", "--num_cores", "33"}, train).exit_code, 2);
  EXPECT_EQ(neffs({"add", "-m", "x"}).exit_code, 2);
  const Ended none = add({"--sequence_length", "512"}, {});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_NE(none.err.find("there is no trainer"), std::string::npos) << none.err;
  const Ended lacks = add({"--sequence_length", "512"}, {"echo", "{eval_batch_size}"});
  EXPECT_EQ(lacks.exit_code, 2);
  EXPECT_NE(lacks.err.find("give --eval_batch_size"), std::string::npos) << lacks.err;
  EXPECT_EQ(hub_.traffic().total(), 0U) << requests();
  EXPECT_FALSE(stdfs::exists(scratch_ / "ran"));
}

TEST_F(AddTest, WhoCannotAddAnythingIsToldFirst) {
  const Words train{"touch", (scratch_ / "ran").string()};
  const Ended nobody = add_to_repo(train, {{"HF_TOKEN", ""}});
  EXPECT_EQ(nobody.exit_code, 1);
  EXPECT_NE(nobody.err.find("not logged in"), std::string::npos) << nobody.err;
  const Ended reader = add_to_repo(train, {{"HF_TOKEN", kReader}});
  EXPECT_EQ(reader.exit_code, 1);
  EXPECT_NE(reader.err.find(kPushRepo + ": nothing can be added to it"), std::string::npos)
      << reader.err;
  hub_.create_repo("ada/open", {.is_private = false});
  hub_.add_token(kWriter,
                 {.user = "ada", .roles = {{kPushRepo, Role::kWrite}, {"ada/open", Role::kWrite}}});
  const Ended open = add({"--sequence_length", "512"}, train, {{"CUSTOM_CACHE_REPO", "ada/open"}});
  EXPECT_EQ(open.exit_code, 1);
  EXPECT_NE(open.err.find("it is public"), std::string::npos) << open.err;
  const auto mounted = mount_as(
      {.source = kPushRepo, .options = {"push=none"}, .variables = {{"HF_TOKEN", kWriter}}});
  const Ended other = add_to_repo(train);
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_NE(other.err.find("publishes nothing"), std::string::npos) << other.err;
  EXPECT_FALSE(stdfs::exists(scratch_ / "ran"));
}

}  // namespace
}  // namespace neffs::test
