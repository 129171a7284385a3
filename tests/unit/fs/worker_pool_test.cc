#include "fs/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/unit/fs/fs_kit.h"

namespace neffs::test {
namespace {

using fs::Urgency;
using fs::WorkerPool;

TEST(WorkerPool, WhatIsWaitedForGoesFirst) {
  Gate gate;
  WorkerPool pool("pool", 1);
  std::mutex mutex;
  std::string order;
  const auto note = [&](char c) {
    return [&, c] {
      const std::lock_guard lock(mutex);
      order += c;
    };
  };
  pool.submit(Urgency::kDemand, [&] { gate.pass(); });
  ASSERT_TRUE(eventually([&] { return gate.waiting() == 1; }));
  for (const char c : {'a', 'b'}) pool.submit(Urgency::kAhead, note(c));
  for (const char c : {'1', '2'}) pool.submit(Urgency::kDemand, note(c));
  gate.open();
  pool.drain();
  EXPECT_EQ(order, "12ab");
}

TEST(WorkerPool, NeverMoreThreadsThanAllowedAndAsManyAsNeeded) {
  Gate gate;
  WorkerPool pool("pool", 3);
  std::mutex mutex;
  std::set<std::thread::id> threads;
  for (int i = 0; i < 50; ++i)
    pool.submit(Urgency::kDemand, [&] {
      {
        const std::lock_guard lock(mutex);
        threads.insert(std::this_thread::get_id());
      }
      gate.pass();
    });
  EXPECT_TRUE(eventually([&] { return gate.waiting() == 3; }));
  gate.open();
  pool.drain();
  EXPECT_EQ(threads.size(), 3U);
}

TEST(WorkerPool, StopDropsWhatHasNotStarted) {
  Gate gate;
  std::atomic<int> ran{0};
  const auto kept = std::make_shared<int>(1);
  {
    WorkerPool pool("pool", 1);
    pool.submit(Urgency::kDemand, [&] {
      gate.pass();
      ++ran;
    });
    ASSERT_TRUE(eventually([&] { return gate.waiting() == 1; }));
    for (const auto urgency : {Urgency::kDemand, Urgency::kAhead})
      pool.submit(urgency, [&, kept] { ran += 100; });
    EXPECT_EQ(kept.use_count(), 3);
    pool.stop();
    EXPECT_EQ(kept.use_count(), 1) << "what a dropped job held is let go at once";
    EXPECT_FALSE(pool.submit(Urgency::kDemand, [&] { ran += 100; }));
    gate.open();
  }
  EXPECT_EQ(ran, 1) << "a running job is waited for";
}

TEST(WorkerPool, DrainWaitsForWhatJobsSubmit) {
  WorkerPool pool("pool", 2);
  std::atomic<int> ran{0};
  for (int i = 0; i < 20; ++i)
    pool.submit(Urgency::kAhead, [&] {
      pool.submit(Urgency::kDemand, [&] { ++ran; });
      ++ran;
    });
  pool.drain();
  EXPECT_EQ(ran, 40);
  pool.stop();
  pool.drain();
}

TEST(WorkerPool, AJobThatThrowsIsTheEndOfThatJobAlone) {
  WorkerPool pool("pool", 1);
  std::atomic<int> ran{0};
  for (const auto urgency : {Urgency::kDemand, Urgency::kAhead}) {
    pool.submit(urgency, [] { throw std::runtime_error("spoilt"); });
    pool.submit(urgency, [] { throw 1; });
    pool.submit(urgency, [&] { ++ran; });
  }
  pool.drain();
  EXPECT_EQ(ran, 2);
}

TEST(WorkerPool, StopEndsADrain) {
  Gate gate;
  WorkerPool pool("pool", 1);
  pool.submit(Urgency::kDemand, [&] { gate.pass(); });
  ASSERT_TRUE(eventually([&] { return gate.waiting() == 1; }));
  std::jthread drainer([&] { pool.drain(); });
  pool.stop();
  drainer.join();
  gate.open();
}

TEST(WorkerPool, ManySubmittersLoseNothing) {
  std::atomic<int> ran{0};
  WorkerPool pool("pool", 4);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 500; ++i) pool.submit(Urgency::kDemand, [&] { ++ran; });
      });
  }
  pool.drain();
  EXPECT_EQ(ran, 4000);
}

}  // namespace
}  // namespace neffs::test
