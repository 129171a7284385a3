// What must never reach a repo: what is not whole, not ours, or not for that repo.
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "tests/publish/publishing.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;

void write_into(const Mount& mount, const std::string& path, const std::string& text = "x") {
  stdfs::create_directories((mount / path).parent_path());
  write_file(mount / path, text);
}

TEST_F(PublishTest, OnlyWholeModulesAreAndOnlyTheirOwnFiles) {
  const auto mounted = mount_writing();
  const auto module = made_module(1);
  const auto failed = made_module(2);
  const auto half = made_module(3);
  for (const char* name : {".hidden", "notes~", "a.tmp", "b.part", "tmpfile", "model.log"})
    write_into(*mounted, module.path + "/" + name);
  write_into(*mounted, "lock", "");
  write_into(*mounted, "notes.txt");
  write_into(*mounted, sample::kVersion + "/notes.txt");
  write_into(*mounted, "elsewhere/MODULE_1000001+e30acd3a/model.neff");
  write_into(*mounted, failed.path + "/compile_flags.json", "[]");
  write_into(*mounted, failed.path + "/model.log", "Failed compilation with ...");
  write_into(*mounted, half.path + "/model.neff");
  auto odd = made_module(4);
  odd.path += ".bad";
  put_files(mounted->root(), odd);
  compile_into(mounted->root(), module);
  expect_flushed(*mounted);
  expect_published_alone(module);
}

TEST_F(PublishTest, ALockedOneWaits) {
  const auto mounted = mount_writing();
  const auto module = made_module(1);
  const std::string lock = module.path + "/model.hlo_module.pb.lock";
  write_into(*mounted, lock, "");
  put_files(mounted->root(), module);
  const Ended early = flush(*mounted, "1");
  EXPECT_EQ(early.exit_code, 1);
  EXPECT_NE(early.err.find(module.path + " is waiting: locked"), std::string::npos) << early.err;
  EXPECT_EQ(history().commits(), 0U);
  stdfs::remove(*mounted / lock);
  expect_flushed(*mounted);
  expect_published_alone(module);
}

TEST_F(PublishTest, OneThatIsOpenForWritingWaits) {
  const auto mounted = mount_writing();
  auto module = made_module(1);
  put_files(mounted->root(), module);
  {
    const auto open = open_file(*mounted / (module.path + "/model.neff"), O_WRONLY | O_APPEND);
    EXPECT_EQ(flush(*mounted, "1").exit_code, 1);
    EXPECT_EQ(history().commits(), 0U);
    ASSERT_EQ(::write(open.get(), "more", 4), 4);
  }
  module.files["model.neff"] += "more";
  expect_flushed(*mounted);
  expect_published_alone(module);
}

TEST_F(PublishTest, OneWithASymlinkFails) {
  const auto mounted = mount_writing();
  const auto module = made_module(1);
  const auto good = made_module(2);
  stdfs::create_directories(*mounted / module.path);
  stdfs::create_symlink("/etc/hostname", *mounted / (module.path + "/hostname"));
  compile_into(mounted->root(), module);
  compile_into(mounted->root(), good);
  const Ended ended = flush(*mounted);
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find(module.path + " is failed: holds a symlink: hostname"),
            std::string::npos)
      << ended.err;
  expect_published_alone(good);
}

TEST_F(PublishTest, WhatWasFoundInTheDirectoryIsHeld) {
  const auto found = made_module(1);
  put_files(scratch_ / "mnt", found);
  const auto mounted = mount_writing();
  compile_into(mounted->root(), made_module(2));
  expect_flushed(*mounted);
  expect_published_alone(made_module(2));
  EXPECT_EQ(mounted->status().at("push").at("held"), 1);
}

// Who is to be kept from writing, and how.
struct Barred {
  const char* name;
  bool is_private;
  std::string token;
  std::vector<std::string> options;
  std::string revision = "";
};

void PrintTo(const Barred& barred, std::ostream* out) {
  *out << barred.name;
}

class BarredTest : public PublishTest, public ::testing::WithParamInterface<Barred> {
 protected:
  // Mounted anew, so that all there is is looked at from the start.
  void expect_silence_of(const MountSetup& setup) {
    const auto mounted = mount_as(setup);
    EXPECT_EQ(files_in(mounted->root(), made_module(1)), made_module(1).files);
    EXPECT_TRUE(eventually([&] { return mounted->status().at("push").at("counting") == false; }));
    EXPECT_NE(flush(*mounted, "1").exit_code, 0);
    EXPECT_EQ(mounted->unmount(), 0);
  }
};

// However often it is mounted, and though a module is there that is whole and ours.
TEST_P(BarredTest, NothingIsEverWritten) {
  repo_.set_settings({.is_private = GetParam().is_private});
  compile_into(mount_as(writing_setup({"push=none"}))->root(), made_module(1));
  auto options = GetParam().options;
  options.push_back("settle=0");
  auto setup = writing_setup(options, GetParam().token);
  if (GetParam().revision == "a tag") {
    repo_.set_ref("refs/tags/v1", first_);
    setup.source += "@v1";
  } else if (GetParam().revision == "a commit") {
    setup.source += "@" + first_;
  }
  expect_silence_of(setup);
  expect_silence_of(setup);
  EXPECT_EQ(writing_requests(hub_), 0U) << requests();
  EXPECT_EQ(repo_.head(), first_);
}

INSTANTIATE_TEST_SUITE_P(
    Barred, BarredTest,
    ::testing::Values(Barred{"PushNone", true, kWriter, {"push=none"}},
                      Barred{"ReadOnly", true, kWriter, {"ro"}},
                      Barred{"ReadOnlyThoughNamed", true, kWriter, {"ro", "push=" + kPushRepo}},
                      Barred{"PublicRepo", false, kWriter, {"push=auto"}},
                      Barred{"PublicRepoByDefault", false, kWriter, {}},
                      Barred{"TokenThatReads", true, kReader, {}},
                      Barred{"Anonymous", false, "", {}},
                      Barred{"ATag", true, kWriter, {}, "a tag"},
                      Barred{"ACommit", true, kWriter, {}, "a commit"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(PublishTest, WhoMountsARepoThatIsNotThereIsToldHowToMakeOne) {
  auto setup = writing_setup();
  setup.source = "team/not-yet";
  try {
    mount_as(setup);
    FAIL() << "it was mounted";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("neffs create"), std::string::npos) << error.what();
  }
}

TEST_F(PublishTest, ARepoThatIsNamedAndMayNotBeWrittenFailsTheMount) {
  for (const auto& [token, is_private] :
       {std::pair(kReader, true), std::pair(std::string(), false)}) {
    repo_.set_settings({.is_private = is_private});
    try {
      mount_as(writing_setup({"push=" + kPushRepo}, token));
      FAIL() << "it was mounted";
    } catch (const std::runtime_error& error) {
      const std::string said = error.what();
      EXPECT_NE(said.find(kPushRepo), std::string::npos) << said;
      EXPECT_NE(said.find(token.empty() ? "writing takes a token" : "may not write"),
                std::string::npos)
          << said;
      EXPECT_EQ(said.find(kReader), std::string::npos) << said;
    }
  }
  EXPECT_EQ(writing_requests(hub_), 0U);
}

TEST_F(PublishTest, ARepoThatBecomesPublicGetsNothingMore) {
  const auto mounted = mount_writing();
  compile_into(mounted->root(), made_module(1));
  expect_flushed(*mounted);
  const auto before = writing_requests(hub_);
  repo_.set_settings({.is_private = false});
  compile_into(mounted->root(), made_module(2));
  const Ended ended = flush(*mounted);
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find("public"), std::string::npos) << ended.err;
  EXPECT_EQ(writing_requests(hub_), before) << requests();
  expect_published_alone(made_module(1));
  repo_.set_settings({.is_private = true});
  expect_flushed(*mounted);
  history().expect_once(made_module(2));
}

// However late: the last look is right before the commit.
TEST_F(PublishTest, ARepoThatBecomesPublicDuringAnUploadGetsNoCommit) {
  const auto mounted = mount_writing();
  Gate gate = hub_.hold({.kind = Kind::kLfsPut});
  compile_into(mounted->root(), made_module(1));
  ASSERT_TRUE(gate.wait_held(1, std::chrono::seconds(20)));
  repo_.set_settings({.is_private = false});
  gate.open();
  const Ended ended = flush(*mounted);
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find("public"), std::string::npos) << ended.err;
  EXPECT_EQ(repo_.head(), first_);
  EXPECT_EQ(hub_.traffic().count(Kind::kCommit), 0U) << requests();
  repo_.set_settings({.is_private = true});
  expect_flushed(*mounted);
  expect_published_alone(made_module(1));
}

// What it may write to could not be learnt when it was mounted: nobody guesses.
TEST_F(PublishTest, AnUnclearAnswerIsNoLeaveToWrite) {
  const int rule = hub_.faults().add({.kind = Kind::kAuthCheck}, Fault::answer(503));
  const auto mounted = mount_writing();
  compile_into(mounted->root(), made_module(1));
  EXPECT_EQ(flush(*mounted, "1").exit_code, 1);
  EXPECT_EQ(writing_requests(hub_), 0U) << requests();
  repo_.set_settings({.is_private = false});
  hub_.faults().remove(rule);
  EXPECT_EQ(flush(*mounted).exit_code, 1);
  EXPECT_EQ(repo_.head(), first_);
  EXPECT_EQ(hub_.traffic().count(Kind::kCommit), 0U) << requests();
  repo_.set_settings({.is_private = true});
  expect_flushed(*mounted);
  expect_published_alone(made_module(1));
}

TEST_F(PublishTest, AMountWithoutAHubPublishesLater) {
  { const auto mounted = mount_writing(); }  // what is known of the repo from then on
  hub_.stop();
  const auto mounted = mount_writing();
  compile_into(mounted->root(), made_module(1));
  EXPECT_EQ(files_in(mounted->root(), made_module(1)), made_module(1).files);
  start_hub_again();
  expect_flushed(*mounted);
  expect_published_alone(made_module(1));
}

}  // namespace
}  // namespace neffs::test
