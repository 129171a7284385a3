// Who lives and who is gone, by a made-up /proc and by the real one.
#include "fs/process_table.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <thread>

#include "tests/unit/fs/made_up_proc.h"

namespace neffs::test {
namespace {

using fs::Life;
using fs::Process;
using fs::ProcessTable;

Process process(std::int64_t id, std::uint64_t started) {
  return {id, started, MadeUpProc::kBoot, MadeUpProc::kNamespace};
}

TEST(ProcessTable, AThreadIsToldByItsProcess) {
  MadeUpProc proc;
  proc.add({.id = 42, .started = 777});
  proc.add_thread(42, 43);
  const ProcessTable table(proc.path());
  EXPECT_EQ(table.process_of(42), process(42, 777));
  EXPECT_EQ(table.process_of(43), process(42, 777));
}

TEST(ProcessTable, WhenTheMachineWasStarted) {
  MadeUpProc proc;
  EXPECT_FALSE(ProcessTable(proc.path()).booted_s());
  proc.set_booted(1'700'000'000);
  EXPECT_EQ(ProcessTable(proc.path()).booted_s(), 1'700'000'000);
  const auto real = ProcessTable().booted_s();
  ASSERT_TRUE(real);
  EXPECT_LE(*real, std::time(nullptr));
}

TEST(ProcessTable, WhatCannotBeToldIsNobody) {
  MadeUpProc proc;
  proc.add({.id = 42, .started = 777});
  proc.write("43/status", "Name:\tx\nTgid:\t42 \n");
  proc.write("44/status", "Name:\tx\n");
  proc.write("45/status", "Tgid:\t45\n");
  proc.write("45/stat", "45 (x) S 1");
  const ProcessTable table(proc.path());
  EXPECT_TRUE(table.process_of(43));
  for (const pid_t thread : {0, -1, 44, 45, 46}) EXPECT_FALSE(table.process_of(thread)) << thread;
}

TEST(ProcessTable, JudgesTheLivingAndTheDead) {
  struct Row {
    const char* what;
    MadeUpProc::Entry entry;
    Life expected;
  };
  const Row rows[] = {
      {"alive", {.id = 42, .started = 777}, Life::kAlive},
      {"stopped", {.id = 42, .started = 777, .state = 'T'}, Life::kAlive},
      {"the number is another process's", {.id = 42, .started = 778}, Life::kGone},
      {"nobody has the number", {.id = 41, .started = 777}, Life::kGone},
      {"waits to be reaped", {.id = 42, .started = 777, .state = 'Z'}, Life::kGone},
      {"dead", {.id = 42, .started = 777, .state = 'X'}, Life::kGone},
      {"only its first thread is dead",
       {.id = 42, .started = 777, .state = 'Z', .threads = 2},
       Life::kAlive},
      {"a name like the end of a name",
       {.id = 42, .started = 777, .name = "a) Z (b c"},
       Life::kAlive},
      {"a name of two lines", {.id = 42, .started = 777, .name = "a\n) Z"}, Life::kAlive},
  };
  for (const auto& row : rows) {
    MadeUpProc proc;
    proc.add(row.entry);
    EXPECT_EQ(ProcessTable(proc.path()).judge(process(42, 777)), row.expected) << row.what;
  }
}

TEST(ProcessTable, OtherBootsAndNamespaces) {
  MadeUpProc proc;
  proc.add({.id = 42, .started = 777});
  const ProcessTable table(proc.path());
  auto earlier = process(42, 777);
  earlier.boot = "another";
  EXPECT_EQ(table.judge(earlier), Life::kEarlierBoot);
  auto elsewhere = process(41, 777);
  elsewhere.pid_namespace = 5;
  EXPECT_EQ(table.judge(elsewhere), Life::kUnknown);
  earlier.pid_namespace = 5;  // nothing of an earlier boot is left, in whatever namespace
  EXPECT_EQ(table.judge(earlier), Life::kEarlierBoot);
  EXPECT_EQ(table.judge({42, 777, "", MadeUpProc::kNamespace}), Life::kUnknown);
}

TEST(ProcessTable, WithoutAProcNothingIsKnown) {
  const ProcessTable table("/nowhere");
  EXPECT_FALSE(table.process_of(::getpid()));
  EXPECT_EQ(table.judge(process(42, 777)), Life::kUnknown);
}

TEST(ProcessTable, AProcThatHidesOthersKnowsNobodyGone) {
  MadeUpProc proc;
  proc.remove("1");
  EXPECT_EQ(ProcessTable(proc.path()).judge(process(42, 777)), Life::kUnknown);
}

TEST(ProcessTable, AProcOfAnotherNamespaceCountsOtherNumbers) {
  MadeUpProc proc;
  proc.add({.id = 42, .started = 777});
  proc.write("self/status", "NSpid:\t4711\t5\n");
  const ProcessTable table(proc.path());
  EXPECT_FALSE(table.process_of(42));
  EXPECT_EQ(table.judge(process(42, 777)), Life::kUnknown);
}

TEST(ProcessTable, OfTheRealOne) {
  const ProcessTable table;
  std::optional<Process> seen;
  pid_t thread = 0;
  std::thread([&] {
    thread = static_cast<pid_t>(::syscall(SYS_gettid));
    seen = table.process_of(thread);
  }).join();
  ASSERT_TRUE(seen);
  EXPECT_NE(thread, ::getpid());
  EXPECT_EQ(seen->id, ::getpid());
  EXPECT_EQ(table.judge(*seen), Life::kAlive);

  const pid_t child = ::fork();
  if (child == 0)
    for (;;) ::pause();
  const auto process_of_child = table.process_of(child);
  ASSERT_TRUE(process_of_child);
  EXPECT_EQ(table.judge(*process_of_child), Life::kAlive);
  ::kill(child, SIGKILL);
  siginfo_t ended{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(table.judge(*process_of_child), Life::kGone) << "not reaped yet";
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(table.judge(*process_of_child), Life::kGone);
}

}  // namespace
}  // namespace neffs::test
