// What is counted of the requests that leave.
#include "hub/http_counts.h"

#include <gtest/gtest.h>

#include <deque>

namespace neffs::test {
namespace {

using hub::HttpEvent;
using hub::HttpRequest;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr const char* kEndpoint = "https://hub.test/base";

std::string kind_of(const std::string& url) {
  HttpRequest request;
  request.url = url;
  return std::string(hub::kind_of_request(kEndpoint, request));
}

TEST(HttpCounts, KindsOfRequests) {
  const std::string models = std::string(kEndpoint) + "/api/models/lab/cache";
  const std::pair<std::string, std::string> rows[] = {
      {models + "/revision/main", "head"},
      {models + "/tree/0123abc/neuronxcc-2?recursive=true", "tree"},
      {models + "/paths-info/0123abc", "paths-info"},
      {models + "/compare/a..b?raw=true", "compare"},
      {models + "/preupload/main", "preupload"},
      {models + "/commit/main", "commit"},
      {models + "/commits/main", "other"},
      {std::string(kEndpoint) + "/api/whoami-v2", "whoami"},
      {std::string(kEndpoint) + "/lab/cache/resolve/main/a%2Ftree%2Fb", "resolve"},
      {std::string(kEndpoint) + "/lab/cache.git/info/lfs/objects/batch", "lfs"},
      {std::string(kEndpoint) + "/lab/x?y=/resolve/", "other"},
      {std::string(kEndpoint) + "x/api/models/lab/cache/tree/a", "storage"},
      {"https://storage.test/lab/resolve/x", "storage"},
  };
  for (const auto& [url, kind] : rows) EXPECT_EQ(kind_of(url), kind) << url;
}

TEST(HttpCounts, LatenciesAreInTheirBuckets) {
  hub::HttpCounter counter;
  counter.answered("head", 200, milliseconds(10));
  counter.answered("head", 304, milliseconds(11));
  counter.answered("head", 200, std::chrono::seconds(60));
  counter.failed("head");
  const auto counts = counter.counts();
  const std::map<std::pair<std::string, int>, std::uint64_t> expected = {
      {{"head", 0}, 1}, {{"head", 200}, 2}, {{"head", 304}, 1}};
  EXPECT_EQ(counts.requests, expected);
  const auto& latency = counts.latencies.at("head");
  EXPECT_EQ(latency.count, 3U);
  EXPECT_EQ(latency.buckets[0], 1U);
  EXPECT_EQ(latency.buckets[1], 1U);
  EXPECT_DOUBLE_EQ(latency.seconds, 60.021);
}

// Says what it was told to say.
class ScriptedClient : public hub::HttpClient {
 public:
  class Exchange : public hub::HttpExchange {
   public:
    explicit Exchange(std::deque<HttpEvent>& events) : events_(events) {}
    hub::TransferId start(HttpRequest /*request*/) override { return ++last_; }
    void cancel(hub::TransferId /*transfer*/) override {}
    std::optional<HttpEvent> next(steady_clock::time_point /*until*/) override {
      if (events_.empty()) return std::nullopt;
      auto event = std::move(events_.front());
      events_.pop_front();
      return event;
    }

   private:
    std::deque<HttpEvent>& events_;
    hub::TransferId last_ = 0;
  };
  std::unique_ptr<hub::HttpExchange> exchange(std::stop_token /*stop*/) override {
    return std::make_unique<Exchange>(events);
  }
  void shutdown() override { is_down = true; }

  std::deque<HttpEvent> events;
  bool is_down = false;
};

TEST(HttpCounts, EveryAnswerOnceAndNoneThatNobodyWaitedFor) {
  ScriptedClient scripted;
  hub::HttpCounter counter;
  hub::CountingHttpClient client(scripted, counter, kEndpoint);
  const auto exchange = client.exchange({});
  HttpRequest request;
  request.url = "https://storage.test/x";
  const auto whole = exchange->start(request);
  const auto cut = exchange->start(request);
  const auto refused = exchange->start(request);
  const auto cancelled = exchange->start(request);
  exchange->cancel(cancelled);
  const hub::HubError lost(hub::HubErrorKind::kUnavailable, "cut");
  scripted.events = {{refused, lost},
                     {whole, hub::HttpHead{206, {}}},
                     {cut, hub::HttpHead{200, {}}},
                     {whole, hub::BodyPiece{"x"}},
                     {cut, lost},
                     {whole, hub::BodyEnd{}}};
  while (exchange->next(steady_clock::now())) continue;
  const std::map<std::pair<std::string, int>, std::uint64_t> expected = {
      {{"storage", 0}, 1}, {{"storage", 200}, 1}, {{"storage", 206}, 1}};
  EXPECT_EQ(counter.counts().requests, expected);
  client.shutdown();
  EXPECT_TRUE(scripted.is_down);
}

}  // namespace
}  // namespace neffs::test
