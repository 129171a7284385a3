// How long what is complete waits, by a clock that only these tests move.
#include "fs/settling.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace neffs::test {
namespace {

using namespace std::chrono_literals;
using fs::Piece;
using fs::PublishState;
using fs::Settling;
using fs::Sighting;

constexpr auto kSettle = 5s;

class SettlingTest : public ::testing::Test {
 protected:
  // A module of one file, which changed when `version` became what it is.
  static Sighting sighting(std::chrono::nanoseconds age, int version = 1,
                           Piece piece = Piece::kCompiled,
                           PublishState state = PublishState::kReady) {
    return {{state, piece, "the reason"},
            {{"m/model.neff", {.size = 100, .mtime_ns = version, .ctime_ns = version, .inode = 7}}},
            age};
  }
  static Sighting locked(int version = 1) {
    return sighting(1h, version, Piece::kCompiled, PublishState::kLocked);
  }
  bool told(const std::string& path, Sighting seen) {
    return settling_.saw(path, std::move(seen), true, now_);
  }
  bool seen(const std::string& path, Sighting seen) {
    return settling_.saw(path, std::move(seen), false, now_);
  }
  std::optional<std::string> due() const { return settling_.due(now_); }
  std::optional<std::chrono::nanoseconds> due_in() const {
    const auto next = settling_.next_due();
    return next ? std::optional<std::chrono::nanoseconds>(*next - now_) : std::nullopt;
  }
  std::string why(const std::string& path) const {
    for (const auto& one : settling_.waiting(now_))
      if (one.path == path) return one.why;
    return "";
  }

  Settling settling_{kSettle};
  Settling::Time now_{24h};
};

TEST_F(SettlingTest, NothingWaits) {
  EXPECT_EQ(due(), std::nullopt);
  EXPECT_EQ(due_in(), std::nullopt);
  EXPECT_TRUE(settling_.waiting(now_).empty());
  settling_.drop("m");
  settling_.refused("m", now_);
  settling_.found_open("m", now_);
  EXPECT_EQ(due_in(), std::nullopt);
}

TEST_F(SettlingTest, QuietIsMeasuredFromTheLastChangeThatWasTold) {
  EXPECT_FALSE(told("m", sighting(1h))) << "the disk's times are older than what was told";
  EXPECT_EQ(due_in(), kSettle);
  now_ += 4s;
  EXPECT_EQ(due(), std::nullopt);
  EXPECT_EQ(why("m"), "written to 4 s ago");
  EXPECT_FALSE(told("m", sighting(1h))) << "a change that does not show is one";
  EXPECT_EQ(due_in(), kSettle);
  now_ += kSettle;
  EXPECT_EQ(due(), "m");
  EXPECT_TRUE(seen("m", sighting(1h)));
  settling_.drop("m");
  EXPECT_EQ(due_in(), std::nullopt);
  EXPECT_TRUE(settling_.waiting(now_).empty());
}

TEST_F(SettlingTest, AnotherTimeCountsForWhatWaitsToo) {
  told("m", sighting(1h));
  told("t", sighting(1h, 1, Piece::kTraced));
  told("l", locked());
  settling_.set_settle(60s);
  EXPECT_EQ(due_in(), 60s);
  now_ += 2s;
  settling_.set_settle(1s);
  EXPECT_EQ(due(), "m");
  EXPECT_TRUE(seen("m", sighting(1h)));
  settling_.drop("m");
  told("o", sighting(1h));
  now_ += 1s;
  settling_.found_open("o", now_);
  settling_.set_settle(0s);
  EXPECT_EQ(due_in(), 2s) << "what is open is not looked at all the time";
  settling_.drop("o");
  EXPECT_EQ(due_in(), 57s) << "a traced one waits for a minute at least, a locked one for its lock";
}

TEST_F(SettlingTest, ItIsLookedAtTwice) {
  EXPECT_FALSE(seen("m", sighting(1h))) << "found by a scan, and seen once only";
  EXPECT_EQ(due(), "m");
  EXPECT_TRUE(seen("m", sighting(1h)));
  EXPECT_EQ(due(), "m") << "nobody has said that it was taken";
}

TEST_F(SettlingTest, AfterARestartTheDisksTimesCount) {
  EXPECT_FALSE(seen("m", sighting(2s)));
  EXPECT_EQ(due_in(), 3s);
  EXPECT_EQ(why("m"), "written to 2 s ago");
  now_ += 3s;
  EXPECT_TRUE(seen("m", sighting(5s)));
}

TEST_F(SettlingTest, AFileOfTheFutureIsAsGoodAsNew) {
  EXPECT_FALSE(seen("m", sighting(-24h)));
  EXPECT_EQ(due_in(), kSettle);
  now_ += kSettle;
  EXPECT_TRUE(seen("m", sighting(-24h)));
}

TEST_F(SettlingTest, WhatChangedUntoldWaitsAnew) {
  EXPECT_FALSE(told("m", sighting(0s)));
  now_ += kSettle;
  EXPECT_FALSE(seen("m", sighting(3s, 2))) << "by a mapping, 3 s ago";
  EXPECT_EQ(due_in(), 2s);
  now_ += 2s;
  EXPECT_FALSE(seen("m", sighting(1h, 3))) << "with times of another file";
  EXPECT_EQ(due(), "m") << "it is no younger than what is known";
  EXPECT_TRUE(seen("m", sighting(1h, 3)));
}

TEST_F(SettlingTest, AFileMoreOrLessIsAChange) {
  EXPECT_FALSE(seen("m", sighting(1h)));
  auto more = sighting(1s);
  more.files.push_back({"m/wrapped_neff.hlo", {.size = 5}});
  EXPECT_FALSE(seen("m", more));
  EXPECT_EQ(due_in(), 4s);
  now_ += 4s;
  EXPECT_TRUE(seen("m", more));
  EXPECT_FALSE(seen("m", sighting(5s)));
}

TEST_F(SettlingTest, EachKindHasItsTime) {
  struct Row {
    std::chrono::milliseconds settle;
    Piece piece;
    std::chrono::milliseconds expected;
  };
  const Row rows[] = {{5s, Piece::kCompiled, 5s},    {0s, Piece::kCompiled, 0s},
                      {5s, Piece::kRegistry, 5s},    {5s, Piece::kTraced, 60s},
                      {0s, Piece::kTraced, 60s},     {100s, Piece::kTraced, 100s},
                      {100s, Piece::kCompiled, 100s}};
  for (const auto& row : rows) {
    Settling settling(row.settle);
    settling.saw("m", sighting(0s, 1, row.piece), true, now_);
    EXPECT_EQ(settling.next_due(), now_ + row.expected) << row.settle.count();
  }
}

TEST_F(SettlingTest, ALockedModuleIsNeverDueByItself) {
  told("m", locked());
  now_ += 24h;
  EXPECT_EQ(due_in(), std::nullopt);
  EXPECT_EQ(why("m"), "the reason");
  EXPECT_FALSE(told("m", sighting(1h))) << "the lock went just now";
  EXPECT_EQ(due_in(), kSettle);
  told("m", locked());
  EXPECT_EQ(due_in(), std::nullopt);
}

TEST_F(SettlingTest, WhatIsOpenWaitsAnew) {
  seen("m", sighting(1h));
  ASSERT_TRUE(seen("m", sighting(1h)));
  settling_.found_open("m", now_);
  EXPECT_EQ(due_in(), kSettle);
  EXPECT_EQ(why("m"), "open for writing");
  now_ += kSettle;
  ASSERT_TRUE(seen("m", sighting(1h)));
  settling_.found_open("m", now_);
  told("m", sighting(0s, 2));
  EXPECT_EQ(why("m"), "written to 0 s ago");
}

TEST_F(SettlingTest, WhatIsOpenIsNotLookedAtAllTheTimeEvenWithoutAWait) {
  Settling settling(0ms);
  const Settling::Time now{24h};
  settling.saw("m", sighting(1h), false, now);
  ASSERT_TRUE(settling.saw("m", sighting(1h), false, now));
  settling.found_open("m", now);
  EXPECT_EQ(settling.next_due(), now + fs::kOfferAgain);
  settling.saw("m", sighting(1h), true, now);
  EXPECT_EQ(settling.next_due(), now) << "it was closed, and that was told";
}

TEST_F(SettlingTest, WhatCannotBeTakenHoldsUpNobodyElse) {
  for (const char* path : {"a", "b"}) seen(path, sighting(1h));
  ASSERT_TRUE(seen("a", sighting(1h)));
  settling_.refused("a", now_);
  EXPECT_EQ(due(), std::nullopt) << "who cannot take one takes no other now";
  EXPECT_EQ(due_in(), fs::kOfferAgain);
  EXPECT_EQ(why("a"), "it cannot be queued now");
  now_ += fs::kOfferAgain;
  EXPECT_EQ(due(), "b");
  settling_.drop("b");
  EXPECT_EQ(due(), "a");
  EXPECT_TRUE(seen("a", sighting(1h)));
}

TEST_F(SettlingTest, NamesWhatWaits) {
  told("b", locked());
  told("a", sighting(0s));
  told("c", sighting(0s, 1, Piece::kCompiled, PublishState::kFailed));
  using Waiting = std::vector<fs::WaitingUpload>;
  EXPECT_EQ(settling_.waiting(now_), (Waiting{{"a", 1, 100, "written to 0 s ago", false},
                                              {"b", 1, 100, "the reason", false},
                                              {"c", 1, 100, "the reason", true}}));
  EXPECT_EQ(due_in(), kSettle);
  settling_.drop("a");
  EXPECT_EQ(due_in(), std::nullopt) << "nothing else is due by itself";
}

}  // namespace
}  // namespace neffs::test
