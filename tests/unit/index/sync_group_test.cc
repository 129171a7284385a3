#include "index/sync_group.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace neffs::test {
namespace {

using index::SyncGroup;

TEST(SyncGroup, OneCallIsOneSync) {
  int syncs = 0;
  SyncGroup group([&] { ++syncs; });
  group.wait();
  group.wait();
  EXPECT_EQ(syncs, 2);
}

// Each caller writes before it waits; the sync that releases it must have begun after that.
TEST(SyncGroup, NobodyIsReleasedByASyncThatBeganBeforeTheCall) {
  std::atomic<int> written = 0;
  std::atomic<int> synced = 0;
  SyncGroup group([&] {
    const int seen = written;
    std::this_thread::yield();
    synced = seen;
  });
  std::vector<std::thread> threads;
  std::atomic<bool> is_broken = false;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&] {
      for (int round = 0; round < 500; ++round) {
        const int mine = ++written;
        group.wait();
        if (synced < mine) is_broken = true;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(is_broken);
}

bool sleeps(pid_t thread) {
  std::ifstream stat("/proc/self/task/" + std::to_string(thread) + "/stat");
  const std::string line{std::istreambuf_iterator<char>(stat), {}};
  const std::size_t name_end = line.rfind(')');
  return name_end != std::string::npos && line[name_end + 2] == 'S';
}

// A sync is held back until seven more callers sleep; one more sync serves all of them.
TEST(SyncGroup, ThoseWhoComeDuringASyncShareTheNext) {
  std::atomic<int> syncs = 0;
  std::atomic<bool> is_released = false;
  SyncGroup group([&] {
    ++syncs;
    while (!is_released) std::this_thread::yield();
  });
  std::thread first([&] { group.wait(); });
  while (syncs == 0) std::this_thread::yield();

  std::array<std::atomic<pid_t>, 7> ids{};
  std::vector<std::thread> threads;
  for (std::atomic<pid_t>& id : ids) {
    threads.emplace_back([&group, &id] {
      id = ::gettid();
      group.wait();
    });
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  const auto all_sleep = [&] {
    return std::all_of(ids.begin(), ids.end(),
                       [](const auto& id) { return id != 0 && sleeps(id); });
  };
  while (!all_sleep() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  is_released = true;
  first.join();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(syncs, 2);
}

TEST(SyncGroup, FailureStays) {
  int syncs = 0;
  SyncGroup group([&] {
    if (++syncs == 2) throw std::runtime_error("disk gone");
  });
  group.wait();
  EXPECT_THROW(group.wait(), std::runtime_error);
  EXPECT_THROW(group.wait(), std::runtime_error);
  EXPECT_EQ(syncs, 2);
}

}  // namespace
}  // namespace neffs::test
