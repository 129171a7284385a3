// The pure rules: when to retry, how fast to ask, how a file is cut, what contradicts a promise.
#include <gtest/gtest.h>

#include "hub/answer_check.h"
#include "hub/download_plan.h"
#include "hub/rate_limit.h"
#include "hub/retry_policy.h"
#include "tests/unit/hub/hub_under_test.h"

namespace neffs::test {
namespace {

using hub::BucketState;
using hub::Failure;
using hub::Headers;
using hub::HubErrorKind;
using std::chrono::milliseconds;
using std::chrono::seconds;
using TimePoint = std::chrono::steady_clock::time_point;

constexpr TimePoint kStart = TimePoint(seconds(1'000'000));

TEST(RetryPolicy, RetriesOnlyWhatWaitingMayMend) {
  struct Row {
    const char* name;
    Failure failure;
    bool retried;
  };
  for (const Row& row : {
           Row{"network", {HubErrorKind::kUnavailable, 0, {}}, true},
           Row{"408", {HubErrorKind::kUnavailable, 408, {}}, true},
           Row{"500", {HubErrorKind::kUnavailable, 500, {}}, true},
           Row{"501", {HubErrorKind::kUnavailable, 501, {}}, false},
           Row{"503", {HubErrorKind::kUnavailable, 503, {}}, true},
           Row{"429", {HubErrorKind::kThrottled, 429, {}}, true},
           Row{"409", {HubErrorKind::kBusy, 409, {}}, true},
           Row{"412", {HubErrorKind::kHeadMoved, 412, {}}, false},
           Row{"lost answer", {HubErrorKind::kUnknownOutcome, 500, {}}, false},
           Row{"401", {HubErrorKind::kUnauthorized, 401, {}}, false},
           Row{"404", {HubErrorKind::kEntryNotFound, 404, {}}, false},
           Row{"invalid", {HubErrorKind::kInvalidAnswer, 200, {}}, false},
           Row{"cancelled", {HubErrorKind::kCancelled, 0, {}}, false},
           Row{"offline", {HubErrorKind::kOffline, 0, {}}, false},
           Row{"local", {HubErrorKind::kLocal, 0, {}}, false},
       }) {
    EXPECT_EQ(hub::retry_delay(row.failure, 0, 0).has_value(), row.retried) << row.name;
  }
}

TEST(RetryPolicy, DelaysDoubleWithinTheirJitter) {
  const Failure failure{HubErrorKind::kUnavailable, 0, {}};
  const int full[] = {500, 1000, 2000, 4000, 8000};
  for (int attempt = 0; attempt < hub::kMaxRetries; ++attempt) {
    for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{12345}, ~std::uint64_t{0}}) {
      const auto delay = hub::retry_delay(failure, attempt, seed);
      ASSERT_TRUE(delay);
      EXPECT_LE(delay->count(), full[attempt]);
      EXPECT_GE(delay->count(), full[attempt] / 2);
    }
  }
  EXPECT_FALSE(hub::retry_delay(failure, hub::kMaxRetries, 0));
  EXPECT_FALSE(hub::retry_delay(failure, -1, 0));
}

TEST(RetryPolicy, WaitsAsLongAsTheHubAsks) {
  const Failure failure{HubErrorKind::kThrottled, 429, seconds(100)};
  EXPECT_EQ(hub::retry_delay(failure, 0, 0), milliseconds(100'000));
  EXPECT_EQ(hub::retry_delay(failure, 0, 999), milliseconds(100'999));
}

TEST(RateLimit, ReadsReports) {
  const auto report =
      hub::parse_rate_report({{"ratelimit", "\"resolvers\";r=2998;t=172"},
                              {"RateLimit-Policy", "\"fixed window\";\"resolvers\";q=3000;w=300"}});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->remaining, 2998U);
  EXPECT_EQ(report->reset, seconds(172));
  EXPECT_EQ(report->quota, 3000U);
  for (const char* bad : {"", "r=1", "\"api\";r=x;t=1", "\"api\";r=-1;t=1",
                          "\"api\";r=1;t=999999999", "\"api\";r=99999999999999999999999;t=1"}) {
    EXPECT_FALSE(hub::parse_rate_report({{"RateLimit", bad}})) << bad;
  }
}

TEST(RateLimit, TellsHowLongA429Lasts) {
  struct Row {
    const char* name;
    Headers headers;
    std::optional<seconds> wait;
  };
  for (const Row& row : {
           Row{"window", {{"RateLimit", "\"api\";r=0;t=10"}, {"Retry-After", "3"}}, seconds(11)},
           Row{"retry-after", {{"Retry-After", " 7 "}}, seconds(7)},
           Row{"another limit", {{"RateLimit", "\"api\";r=5;t=10"}}, seconds(60)},
           Row{"another limit, said",
               {{"RateLimit", "\"api\";r=5;t=10"}, {"Retry-After", "3600"}},
               seconds(3600)},
           Row{"date", {{"Retry-After", "Fri, 31 Dec 2027 23:59:59 GMT"}}, std::nullopt},
           Row{"absurd", {{"Retry-After", "99999999999"}}, std::nullopt},
           Row{"nothing", {}, std::nullopt},
       }) {
    EXPECT_EQ(hub::throttle_wait(row.headers), row.wait) << row.name;
  }
}

milliseconds wait_of(const BucketState& state) {
  return std::chrono::ceil<milliseconds>(hub::with_request(state, kStart).next_free - kStart);
}

TEST(RateLimit, SlowsDownBeforeItBites) {
  struct Row {
    const char* name;
    BucketState state;
    milliseconds wait;
  };
  const auto end = kStart + seconds(100);
  for (const Row& row : {
           Row{"unknown", {}, milliseconds(0)},
           Row{"plenty", {true, 500, 1000, end, {}}, milliseconds(0)},
           Row{"a tenth", {true, 99, 1000, end, {}}, milliseconds(1'000)},
           Row{"one left", {true, 1, 1000, end, {}}, milliseconds(50'000)},
           Row{"none left", {true, 0, 1000, end, {}}, milliseconds(101'000)},
           Row{"window over", {true, 0, 1000, kStart, {}}, milliseconds(0)},
           Row{"quota unknown", {true, 9, 0, end, {}}, milliseconds(10'000)},
       }) {
    EXPECT_EQ(wait_of(row.state), row.wait) << row.name;
  }
}

TEST(RateLimit, LowestCountOfAWindowHolds) {
  BucketState state = hub::with_report({}, {100, seconds(200), 1000}, kStart);
  state = hub::with_report(state, {103, seconds(199), 1000}, kStart + seconds(1));
  EXPECT_EQ(state.remaining, 100U) << "an answer that was overtaken";
  state = hub::with_report(state, {90, seconds(198), 1000}, kStart + seconds(2));
  EXPECT_EQ(state.remaining, 90U);
  state = hub::with_report(state, {999, seconds(300), 1000}, kStart + seconds(201));
  EXPECT_EQ(state.remaining, 999U) << "a new window";
}

TEST(RateLimit, LedgerKeepsBucketsApartAndFreesPlacesThatNobodyTakes) {
  hub::RateLedger ledger;
  ledger.heard(hub::Bucket::kApi, {{"RateLimit", "\"api\";r=1;t=100"}}, kStart);
  EXPECT_EQ(ledger.wait_before(hub::Bucket::kResolvers, kStart, seconds(1)), milliseconds(0));
  EXPECT_EQ(ledger.wait_before(hub::Bucket::kApi, kStart, seconds(1)), milliseconds(50'000));
  EXPECT_EQ(ledger.state(hub::Bucket::kApi, kStart)->remaining, 1U) << "it did not wait";
  EXPECT_EQ(ledger.wait_before(hub::Bucket::kApi, kStart, seconds(60)), milliseconds(50'000));
  EXPECT_EQ(ledger.state(hub::Bucket::kApi, kStart)->remaining, 0U);
  ledger.throttled(hub::Bucket::kResolvers, seconds(9), kStart);
  EXPECT_EQ(ledger.wait_before(hub::Bucket::kResolvers, kStart, seconds(60)), milliseconds(9'000));
  EXPECT_FALSE(ledger.state(hub::Bucket::kApi, kStart + seconds(100)));
}

TEST(DownloadPlan, CutsOnlyLargeFiles) {
  constexpr std::uint64_t kMiB = 1024UL * 1024;
  struct Row {
    std::uint64_t size;
    std::size_t pieces;
  };
  for (const Row& row : {Row{1, 1}, Row{16 * kMiB, 1}, Row{16 * kMiB + 1, 3}, Row{64 * kMiB, 8},
                         Row{512 * kMiB, 32}, Row{std::uint64_t{1} << 60U, 65536}}) {
    EXPECT_EQ(hub::DownloadPlan(row.size).count(), row.pieces) << row.size;
  }
}

TEST(DownloadPlan, FrontierFollowsWhatIsThere) {
  hub::DownloadPlan plan(20UL * 1024 * 1024);
  const std::uint64_t step = 8UL * 1024 * 1024;
  EXPECT_EQ(plan.first_idle(), 0U);
  plan.piece(0).carried = true;
  EXPECT_EQ(plan.first_idle(), 1U);
  plan.piece(1).next = plan.piece(1).end;
  EXPECT_EQ(plan.frontier(), 0U);
  plan.piece(0).next = 5;
  EXPECT_EQ(plan.frontier(), 5U);
  plan.piece(0).next = step;
  EXPECT_EQ(plan.frontier(), 2 * step);
  plan.piece(2).next = plan.piece(2).end;
  EXPECT_TRUE(plan.is_whole());
  EXPECT_EQ(plan.first_idle(), plan.count());
  plan.make_sequential();
  EXPECT_EQ(plan.count(), 1U);
  EXPECT_EQ(plan.frontier(), 0U);
}

TEST(AnswerCheck, PartialAnswersMustBeExact) {
  struct Row {
    const char* range;
    const char* length;
    bool good;
  };
  for (const Row& row : {
           Row{"bytes 10-19/100", "10", true},
           Row{"bytes 10-19/*", "10", true},
           Row{"bytes 10-19/101", "10", false},
           Row{"bytes 0-9/100", "10", false},
           Row{"bytes 10-18/100", "9", false},
           Row{"bytes 10-19/100", "11", false},
           Row{"", "10", false},
           Row{"bytes */100", "10", false},
       }) {
    const Headers headers{{"Content-Range", row.range}, {"Content-Length", row.length}};
    EXPECT_EQ(!hub::fault_of_partial(headers, 10, 20, 100), row.good) << row.range;
  }
  EXPECT_FALSE(hub::fault_of_partial({{"Content-Range", "bytes 10-19/100"}}, 10, 20, 100));
}

TEST(AnswerCheck, WholeAnswersMustHaveTheLength) {
  EXPECT_FALSE(hub::fault_of_whole({{"Content-Length", "100"}}, 100));
  EXPECT_FALSE(hub::fault_of_whole({}, 100));
  EXPECT_TRUE(hub::fault_of_whole({{"Content-Length", "99"}}, 100));
  EXPECT_TRUE(hub::fault_of_whole({{"Content-Encoding", "gzip"}}, 100));
}

TEST(AnswerCheck, LinksMustNameThePromisedContent) {
  const auto content = sha256_of("x");
  const auto fault = [&](const char* size, const std::string& etag) {
    return hub::fault_of_link({{"X-Linked-Size", size}, {"X-Linked-ETag", etag}}, 1, content);
  };
  EXPECT_FALSE(fault("1", "\"" + content.hex + "\""));
  EXPECT_FALSE(fault("1", "W/\"" + content.hex + "\""));
  EXPECT_TRUE(fault("2", "\"" + content.hex + "\""));
  EXPECT_TRUE(fault("1", "\"" + sha256_of("y").hex + "\""));
  EXPECT_FALSE(hub::fault_of_link({}, 1, content));
}

}  // namespace
}  // namespace neffs::test
