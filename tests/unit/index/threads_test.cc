#include <atomic>
#include <thread>

#include "tests/unit/index/index_kit.h"

namespace neffs::test {
namespace {

using index::Index;
using index::TreeDepth;

constexpr int kThreads = 8;
constexpr int kRounds = 60;

// One thread's work on names of its own; what it has written it must be able to read at once.
void live(Index& index, int thread) {
  for (int round = 0; round < kRounds; ++round) {
    const std::string name = std::to_string(thread) + "/" + std::to_string(round);
    ASSERT_TRUE(index.intend_copy(sample_copy(name)));
    ASSERT_TRUE(index.layer_file(name));
    index.place_copy(name, 3, round);
    ASSERT_EQ(index.layer_file(name)->mtime_ns, round);
    if (round % 2 == 0) index.mark_ours(name);
    if (round % 10 == 0) index.sync();
  }
}

// All threads replace one tree; whoever reads it sees one that somebody has put.
void share_a_tree(Index& index, int thread) {
  for (int round = 0; round < kRounds; ++round) {
    const std::size_t count = 10U * static_cast<std::size_t>(thread + 1);
    index.put_tree("shared", TreeDepth::kChildren, sample_tree(count, std::to_string(thread)));
    const auto seen = index.tree("shared", TreeDepth::kChildren);
    ASSERT_TRUE(seen);
    ASSERT_EQ(*seen, sample_tree(seen->size(), std::to_string(seen->size() / 10 - 1)));
  }
}

TEST_F(IndexTest, ManyThreadsWriteReadAndSyncAtOnce) {
  const auto index = open();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&index, thread] {
      live(*index, thread);
      share_a_tree(*index, thread);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(index->layer_files_below("").size(), std::size_t{kThreads * kRounds});
  EXPECT_EQ(index->copy_totals().files, std::uint64_t{kThreads * kRounds / 2});
}

TEST_F(IndexTest, ReaderWaitsForNoWriter) {
  const auto index = open();
  index->mark_ours("f");
  std::atomic<bool> is_done = false;
  std::thread writer([&] {
    index->put_tree("big", TreeDepth::kChildren, sample_tree(20'000, "a"));
    is_done = true;
  });
  int reads_meanwhile = 0;
  while (!is_done) {
    ASSERT_TRUE(index->layer_file("f"));
    ++reads_meanwhile;
  }
  writer.join();
  EXPECT_GT(reads_meanwhile, 10);
}

}  // namespace
}  // namespace neffs::test
