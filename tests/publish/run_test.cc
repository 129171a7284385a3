// `neffs run`: what the command has compiled is in the repo, its status is kept, nothing stays mounted.
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/publish/publishing.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;
using Words = std::vector<std::string>;

class RunTest : public PublishTest {
 protected:
  RunTest() {
    stdfs::create_directories(root_);
    put_files(made_, module_);
  }

  // `neffs run` as ada, who may write, with a quick mount.
  Words words(const Words& command, const Words& more = {}) const {
    Words all{NEFFS_PROGRAM,  "run",         kPushRepo, "-o", "settle=0.2,commit_interval=0",
              "--mountpoint", root_.string()};
    all.insert(all.end(), more.begin(), more.end());
    all.emplace_back("--");
    all.insert(all.end(), command.begin(), command.end());
    return all;
  }
  std::unique_ptr<Child> start_run(const Words& command, const Words& more = {}) const {
    return std::make_unique<Child>(
        Child::Start{words(command, more), variables({{"HF_TOKEN", kWriter}})});
  }
  Ended run_it(const Words& command, const Words& more = {}) const {
    return test::run({words(command, more), variables({{"HF_TOKEN", kWriter}})});
  }
  // A shell that compiles the module, and then does `more`.
  Words compiling(const std::string& more) const {
    return {"sh", "-c", "cp -R '" + made_.string() + "/.' '" + root_.string() + "' && " + more};
  }
  bool is_mounted() const { return !scratch_.mounts().empty(); }
  void expect_nothing_mounted() const { EXPECT_FALSE(is_mounted()); }

  const stdfs::path root_ = scratch_ / "mnt";
  const stdfs::path made_ = scratch_ / "made";
  const MadeModule module_ = made_module(1);
};

TEST_F(RunTest, WhatTheCommandCompilesIsInTheRepo) {
  const Ended ended = run_it(compiling("echo done; echo oops >&2"));
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, "done\n") << "stdout is the command's alone";
  EXPECT_NE(ended.err.find("oops\n"), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("mounted " + kPushRepo + " on " + root_.string()), std::string::npos)
      << ended.err;
  expect_published_alone(module_);
  expect_nothing_mounted();
  EXPECT_EQ(files_in(root_, module_), module_.files) << "it is an ordinary cache again";
}

TEST_F(RunTest, TheStatusIsThatOfTheCommand) {
  const Ended ended = run_it(compiling("exit 7"));
  EXPECT_EQ(ended.exit_code, 7) << ended.err;
  expect_published_alone(module_);
  expect_nothing_mounted();
  EXPECT_EQ(run_it({"sh", "-c", "kill -9 $$"}).exit_code, 128 + SIGKILL);
  expect_nothing_mounted();
}

TEST_F(RunTest, ACommandThatCannotBeRunIsNamed) {
  const Ended missing = run_it({"no-such-command-here"});
  EXPECT_EQ(missing.exit_code, 127);
  EXPECT_NE(missing.err.find("neffs: no-such-command-here: No such file or directory ("),
            std::string::npos)
      << missing.err;
  write_file(scratch_ / "plain", "text");
  const Ended plain = run_it({(scratch_ / "plain").string()});
  EXPECT_EQ(plain.exit_code, 126);
  EXPECT_NE(plain.err.find("plain: Permission denied ("), std::string::npos) << plain.err;
  expect_nothing_mounted();
}

TEST_F(RunTest, SignalsAreHandedOn) {
  for (const auto& [signal, name] : {std::pair{SIGTERM, "TERM"}, std::pair{SIGINT, "INT"},
                                     std::pair{SIGHUP, "HUP"}, std::pair{SIGUSR1, "USR1"}}) {
    // The first `read` ends with the signal, the second one with the input: once is 41.
    const std::string text = std::string("n=0; trap 'n=$((n+1)); echo got' ") + name +
                             "; echo ready; read line; read line; exit $((40+n))";
    const auto running = start_run({"sh", "-c", text});
    ASSERT_TRUE(running->wait_for_out("ready")) << running->err();
    running->send(signal);
    EXPECT_TRUE(running->wait_for_out("got")) << running->err();
    running->close_input();
    ASSERT_TRUE(running->wait());
    EXPECT_EQ(running->exit_code(), 41) << name << running->err();
    expect_nothing_mounted();
  }
}

TEST_F(RunTest, ACommandThatIsEndedBySignalStillPublishes) {
  const auto running = start_run(compiling("echo ready; read line"));
  ASSERT_TRUE(running->wait_for_out("ready")) << running->err();
  running->send(SIGTERM);
  ASSERT_TRUE(running->wait());
  EXPECT_EQ(running->exit_code(), 128 + SIGTERM) << running->err();
  expect_published_alone(module_);
  expect_nothing_mounted();
}

TEST_F(RunTest, AMountThatIsThereIsUsedAndStays) {
  const auto mounted = mount_writing();
  ASSERT_EQ(mounted->root(), root_);
  const Ended ended = run_it(compiling("exit 3"));
  EXPECT_EQ(ended.exit_code, 3) << ended.err;
  EXPECT_NE(ended.err.find("mounted already; -o changes nothing"), std::string::npos) << ended.err;
  EXPECT_TRUE(is_mounted());
  expect_published_alone(module_);
  const Ended plain = neffs({"run", "--mountpoint", root_.string(), "--", "test", "-e",
                             (root_ / module_.path / "model.done").string()});
  EXPECT_EQ(plain.exit_code, 0) << plain.err;
  EXPECT_EQ(plain.err, "");
  const Ended other =
      neffs({"run", "lab/other", "--mountpoint", root_.string(), "--", "echo", "it ran"});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_EQ(other.out, "");
  EXPECT_NE(other.err.find(kPushRepo + " is mounted, not lab/other"), std::string::npos)
      << other.err;
}

TEST_F(RunTest, OneWaitsForTheMountThatAnotherIsMaking) {
  Gate gate = hub_.hold({.kind = Kind::kInfo});
  const auto first = start_run({"sh", "-c", "echo ready; read line; exit 3"});
  ASSERT_TRUE(gate.wait_held(1));
  const auto second = start_run({"sh", "-c", "echo ready; read line; exit 4"});
  ASSERT_TRUE(eventually([&] {
    return second->err().find("waits for the mount that another neffs") != std::string::npos;
  })) << second->err();
  gate.open();
  ASSERT_TRUE(first->wait_for_out("ready")) << first->err();
  ASSERT_TRUE(second->wait_for_out("ready")) << second->err();
  EXPECT_EQ(scratch_.mounts().size(), 1U);
  // The one that has made it ends before the other: that one unmounts.
  first->close_input();
  ASSERT_TRUE(first->wait());
  EXPECT_EQ(first->exit_code(), 3) << first->err();
  EXPECT_EQ(first->err().find("in use by"), std::string::npos) << first->err();
  EXPECT_TRUE(is_mounted());
  second->close_input();
  ASSERT_TRUE(second->wait());
  EXPECT_EQ(second->exit_code(), 4) << second->err();
  expect_nothing_mounted();
}

TEST_F(RunTest, OneThatWaitsForAnotherIsEndedBySignal) {
  Gate gate = hub_.hold({.kind = Kind::kInfo});
  const auto first = start_run({"true"});
  ASSERT_TRUE(gate.wait_held(1));
  const auto second = start_run({"echo", "it ran"});
  ASSERT_TRUE(eventually([&] { return second->err().find("waits for") != std::string::npos; }))
      << second->err();
  second->send(SIGTERM);
  ASSERT_TRUE(second->wait());
  EXPECT_EQ(second->exit_code(), 128 + SIGTERM) << second->err();
  EXPECT_EQ(second->out(), "");
  gate.open();
  ASSERT_TRUE(first->wait());
  EXPECT_EQ(first->exit_code(), 0) << first->err();
  expect_nothing_mounted();
}

TEST_F(RunTest, ALayerThatIsMountedElsewhereIsNotWaitedFor) {
  const auto layer = scratch_ / "layer";
  stdfs::create_directories(layer);
  stdfs::create_directories(scratch_ / "other");
  const auto mounted = mount_writing({"layer=" + layer.string()});
  const Ended ended = neffs({"run", kPushRepo, "-o", "layer=" + layer.string(), "--mountpoint",
                             (scratch_ / "other").string(), "--", "true"});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find("in use by another neffs"), std::string::npos) << ended.err;
  EXPECT_EQ(ended.err.find("waits for"), std::string::npos) << ended.err;
}

TEST_F(RunTest, SeveralThatBeginAtOnceUseOneMount) {
  constexpr int kRuns = 5;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<Child>> all;
    for (int run = 0; run < kRuns; ++run)
      all.push_back(start_run({"sh", "-c",
                               "touch '" + root_.string() + "/by" + std::to_string(run) +
                                   "'; exit " + std::to_string(run)}));
    for (int run = 0; run < kRuns; ++run) {
      ASSERT_TRUE(all[run]->wait());
      EXPECT_EQ(all[run]->exit_code(), run) << all[run]->err();
      EXPECT_EQ(all[run]->err().find("in use by"), std::string::npos) << all[run]->err();
      EXPECT_EQ(all[run]->err().find("not mounted"), std::string::npos) << all[run]->err();
      EXPECT_TRUE(stdfs::remove(root_ / ("by" + std::to_string(run))));
    }
    expect_nothing_mounted();
  }
}

TEST_F(RunTest, OneThatIsUsedIsNotUnmountedUnderTheCommand) {
  const auto mounted = mount_writing();
  const auto running = start_run({"sh", "-c", "echo ready; read line"});
  ASSERT_TRUE(running->wait_for_out("ready")) << running->err();
  const Ended refused = neffs({"umount", root_.string()});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.err.find("in use by neffs (pid " + std::to_string(running->pid())),
            std::string::npos)
      << refused.err;
  running->close_input();
  ASSERT_TRUE(running->wait());
  EXPECT_TRUE(is_mounted());
}

TEST_F(RunTest, WhatCannotBeMountedIsNotRun) {
  const Ended ended = test::run({{NEFFS_PROGRAM, "run", "team/nothing", "--mountpoint",
                                  root_.string(), "--", "echo", "it ran"},
                                 variables({{"HF_TOKEN", kWriter}})});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_EQ(ended.out, "");
  EXPECT_EQ(ended.err.find("neffs: cannot mount team/nothing: "), 0U) << ended.err;
  expect_nothing_mounted();
}

TEST_F(RunTest, WhatIsLeftBehindKeepsTheMount) {
  const auto running = start_run(
      {"sh", "-c",
       "cd '" + root_.string() + "' && tail -f /dev/null >/dev/null 2>&1 & echo $!; exit 5"});
  ASSERT_TRUE(running->wait());
  EXPECT_EQ(running->exit_code(), 5);
  EXPECT_NE(running->err().find("in use by tail (pid "), std::string::npos) << running->err();
  EXPECT_TRUE(is_mounted());
  ::kill(std::stoi(running->out()), SIGKILL);
  EXPECT_TRUE(eventually([&] { return neffs({"umount", root_.string()}).exit_code == 0; }));
}

// The queue is kept: the next mount pushes it.
TEST_F(RunTest, AHubThatIsDownCostsTheLimitAndNothingElse) {
  const auto running =
      start_run(compiling("echo ready; read line; exit 7"), {"--flush-timeout", "0.5"});
  Gate gate = hub_.hold({.kind = Kind::kCommit});
  ASSERT_TRUE(running->wait_for_out("ready")) << running->err();
  hub_.stop();
  running->close_input();
  ASSERT_TRUE(running->wait());
  EXPECT_EQ(running->exit_code(), 7);
  EXPECT_NE(running->err().find(module_.path + " is "), std::string::npos) << running->err();
  EXPECT_NE(running->err().find("not everything is in the repo"), std::string::npos)
      << running->err();
  expect_nothing_mounted();
  gate.open();
  start_hub_again();
  EXPECT_EQ(history().commits(), 0U);
  EXPECT_EQ(run_it({"true"}).exit_code, 0);
  expect_published_alone(module_);
}

TEST_F(RunTest, ASignalEndsThePublishingButNotTheStatus) {
  Gate gate = hub_.hold({.kind = Kind::kCommit});
  const auto running = start_run(compiling("echo $$; exit 7"));
  ASSERT_TRUE(gate.wait_held(1));
  ASSERT_TRUE(running->wait_for_out("\n"));
  const pid_t command = std::stoi(running->out());
  ASSERT_TRUE(eventually([&] { return ::kill(command, 0) != 0; }));
  // One that comes while the command is being buried is taken for the one that has ended it.
  ASSERT_TRUE(eventually([&] {
    running->send(SIGINT);
    return running->wait(std::chrono::milliseconds(50));
  }));
  EXPECT_EQ(running->exit_code(), 7) << running->err();
  EXPECT_NE(running->err().find("not everything is in the repo"), std::string::npos)
      << running->err();
  expect_nothing_mounted();
}

TEST_F(RunTest, WhereThereIsNothingToPublishNothingIsWaitedFor) {
  const Ended nothing = run_it({"true"});
  EXPECT_EQ(nothing.exit_code, 0) << nothing.err;
  EXPECT_EQ(nothing.err.find("neffs: "), std::string::npos) << nothing.err;
  EXPECT_EQ(writing_requests(hub_), 0U) << requests();
  const Ended none = run_it(compiling("exit 4"), {"-o", "push=none"});
  EXPECT_EQ(none.exit_code, 4);
  EXPECT_EQ(none.err.find("neffs: "), std::string::npos) << none.err;
  EXPECT_EQ(writing_requests(hub_), 0U) << requests();
  expect_nothing_mounted();
}

}  // namespace
}  // namespace neffs::test
