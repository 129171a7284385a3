// Each wait is answered once: by what it waits for, its deadline, its caller's death or the end.
#include "fs/wait_list.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>
#include <vector>

#include "tests/unit/fs/fs_kit.h"

namespace neffs::test {
namespace {

using fs::GiveUp;
using fs::is_dying;
using fs::WaitList;
using std::chrono::milliseconds;

void do_nothing(int) {}

// A process that waits until it is killed.
class Child {
 public:
  // prepare: what it does before
  explicit Child(const std::function<void()>& prepare) {
    int ready[2];
    if (::pipe(ready) != 0) fs::throw_errno("pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      prepare();
      const char byte = 'x';
      if (::write(ready[1], &byte, 1) != 1) ::_exit(1);
      while (true) ::pause();
    }
    char byte = 0;
    while (::read(ready[0], &byte, 1) < 0 && errno == EINTR) {
    }
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~Child() { end(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  void send(int signal) const { ::kill(pid_, signal); }
  // A stopped process acts on nothing but SIGKILL, so what is sent to it stays pending: what the
  // kernel reports of a caller who waits for an answer.
  void stop() const {
    send(SIGSTOP);
    int status = 0;
    ::waitpid(pid_, &status, WUNTRACED);
  }
  void end() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
};

std::function<void()> block(int signal, void (*handler)(int) = SIG_DFL) {
  return [signal, handler] {
    ::signal(signal, handler);
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, signal);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
  };
}

TEST(IsDying, ALivingProcessIsNot) {
  EXPECT_FALSE(is_dying(::getpid()));
  EXPECT_FALSE(is_dying(0));
  EXPECT_FALSE(is_dying(-1));
  const Child child([] {});
  EXPECT_FALSE(is_dying(child.pid()));
}

TEST(IsDying, AProcessThatIsGoneIs) {
  Child child([] {});
  const auto pid = child.pid();
  child.end();
  EXPECT_TRUE(is_dying(pid));
}

TEST(IsDying, SignalsThatEndNothingDoNotCount) {
  for (const int signal : {SIGTERM, SIGCHLD, SIGUSR1, SIGINT}) {
    const Child blocked(block(signal));
    blocked.send(signal);
    EXPECT_FALSE(is_dying(blocked.pid())) << "blocked " << signal;
    const Child caught(block(signal, do_nothing));
    caught.send(signal);
    EXPECT_FALSE(is_dying(caught.pid())) << "caught " << signal;
    const Child ignored(block(signal, SIG_IGN));
    ignored.send(signal);
    EXPECT_FALSE(is_dying(ignored.pid())) << "ignored " << signal;
  }
  const Child stopped([] {});
  stopped.send(SIGCHLD);
  stopped.send(SIGWINCH);
  EXPECT_FALSE(is_dying(stopped.pid()));
}

TEST(IsDying, APendingSignalWithItsDefaultActionCounts) {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGALRM, SIGKILL}) {
    const Child child([] {});
    child.stop();
    EXPECT_FALSE(is_dying(child.pid()));
    child.send(signal);
    EXPECT_TRUE(eventually([&] { return is_dying(child.pid()); })) << signal;
  }
}

class WaitListTest : public testing::Test {
 protected:
  std::function<void(GiveUp)> note() {
    return [this](GiveUp reason) {
      reason_ = static_cast<int>(reason);
      ++given_up_;
    };
  }
  bool is_given_up(GiveUp reason) {
    return eventually([&] { return given_up_ == 1; }) && reason_ == static_cast<int>(reason);
  }

  std::atomic<int> given_up_{0};
  std::atomic<int> reason_{-1};
  WaitList waits_;
};

TEST_F(WaitListTest, TheDeadlineGivesUpOnce) {
  const auto id = waits_.next_id();
  waits_.park(id, WaitList::Clock::now() + milliseconds(1), 0, note());
  EXPECT_TRUE(is_given_up(GiveUp::kDeadline));
  EXPECT_FALSE(waits_.settle(id));
}

TEST_F(WaitListTest, AnEarlierDeadlineIsNotHiddenByALaterOne) {
  const auto late = waits_.next_id();
  waits_.park(late, WaitList::Clock::now() + std::chrono::hours(1), 0, [](GiveUp) {});
  const auto endless = waits_.next_id();
  waits_.park(endless, std::nullopt, 0, [](GiveUp) {});
  waits_.park(waits_.next_id(), WaitList::Clock::now() + milliseconds(1), 0, note());
  EXPECT_TRUE(is_given_up(GiveUp::kDeadline));
  EXPECT_TRUE(waits_.settle(late));
  EXPECT_TRUE(waits_.settle(endless));
}

TEST_F(WaitListTest, OneOfManyThreadsSettles) {
  for (int round = 0; round < 200; ++round) {
    given_up_ = 0;
    const auto id = waits_.next_id();
    waits_.park(id, WaitList::Clock::now() + std::chrono::microseconds(round * 3), 0, note());
    std::atomic<int> settled{0};
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back([&] { settled += waits_.settle(id) ? 1 : 0; });
    threads.clear();
    ASSERT_TRUE(eventually([&] { return settled + given_up_ == 1; })) << round;
  }
}

TEST_F(WaitListTest, UnknownNumbersAreHarmless) {
  waits_.interrupted(12345);
  EXPECT_FALSE(waits_.settle(12345));
  waits_.park(12345, WaitList::Clock::now(), 0, note());
  EXPECT_EQ(given_up_, 0);
}

TEST_F(WaitListTest, ADyingCallerIsLetGo) {
  const Child child([] {});
  child.stop();
  const auto id = waits_.next_id();
  waits_.park(id, std::nullopt, child.pid(), note());
  child.send(SIGTERM);
  waits_.interrupted(id);
  EXPECT_TRUE(is_given_up(GiveUp::kCallerDying));
  EXPECT_FALSE(waits_.settle(id));
}

TEST_F(WaitListTest, AnInterruptBeforeTheWaitBeginsIsNotLost) {
  const Child child([] {});
  child.stop();
  child.send(SIGTERM);
  const auto id = waits_.next_id();
  waits_.interrupted(id);
  waits_.park(id, std::nullopt, child.pid(), note());
  EXPECT_TRUE(is_given_up(GiveUp::kCallerDying));
}

// The kernel tells of the first signal only: a caller who survived that one is looked at again.
TEST_F(WaitListTest, AHandledSignalCutsNothingButALaterDeadlyOneDoes) {
  const Child child(block(SIGCHLD, do_nothing));
  child.send(SIGCHLD);
  const auto id = waits_.next_id();
  waits_.park(id, std::nullopt, child.pid(), note());
  waits_.interrupted(id);
  const auto other = waits_.next_id();  // the watcher has looked at both when this one is over
  std::atomic<bool> looked{false};
  waits_.park(other, WaitList::Clock::now() + milliseconds(1), 0, [&](GiveUp) { looked = true; });
  ASSERT_TRUE(eventually([&] { return looked.load(); }));
  EXPECT_EQ(given_up_, 0);
  child.stop();
  child.send(SIGTERM);
  EXPECT_TRUE(is_given_up(GiveUp::kCallerDying));
}

TEST_F(WaitListTest, AnInterruptedCallerStillMeetsItsDeadline) {
  const auto id = waits_.next_id();
  waits_.park(id, WaitList::Clock::now() + milliseconds(1), ::getpid(), note());
  waits_.interrupted(id);
  EXPECT_TRUE(is_given_up(GiveUp::kDeadline));
}

TEST_F(WaitListTest, TheEndAnswersEverythingThatIsParked) {
  std::vector<fs::WaitId> ids;
  for (int i = 0; i < 100; ++i) {
    ids.push_back(waits_.next_id());
    waits_.park(ids.back(), std::nullopt, 0, note());
  }
  EXPECT_TRUE(waits_.settle(ids[0]));
  waits_.give_up_all();
  EXPECT_EQ(given_up_, 99);
  EXPECT_EQ(reason_, static_cast<int>(GiveUp::kShutdown));
  for (const auto id : ids) EXPECT_FALSE(waits_.settle(id));
}

// Between next_id() and park() a request has nobody who could give it up: it must not be forgotten.
TEST_F(WaitListTest, TheEndForgetsNobodyWhoIsAboutToPark) {
  const auto id = waits_.next_id();
  waits_.give_up_all();
  waits_.park(id, WaitList::Clock::now() + milliseconds(1), 0, note());
  EXPECT_TRUE(eventually([&] { return given_up_ == 1; }));
}

TEST(WaitList, DestructionAnswersWhatIsParked) {
  int given_up = 0;
  {
    WaitList waits;
    waits.park(waits.next_id(), std::nullopt, 0,
               [&](GiveUp reason) { given_up += reason == GiveUp::kShutdown ? 1 : 0; });
  }
  EXPECT_EQ(given_up, 1);
}

TEST(WaitList, TheCallbackMayUseTheList) {
  WaitList waits;
  std::atomic<bool> done{false};
  const auto id = waits.next_id();
  waits.park(id, WaitList::Clock::now(), 0, [&](GiveUp) {
    EXPECT_FALSE(waits.settle(id));
    waits.park(waits.next_id(), WaitList::Clock::now(), 0, [&](GiveUp) { done = true; });
  });
  EXPECT_TRUE(eventually([&] { return done.load(); }));
}

}  // namespace
}  // namespace neffs::test
