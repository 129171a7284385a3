// The ways in which the test Hub fails on request, and how it is watched and stopped.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "tests/hub/test_client.h"
#include "tests/hub/test_hub.h"

namespace neffs::test {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

class FaultTest : public ::testing::Test {
 protected:
  FaultTest() {
    repo_.commit({{"big.neff", content_}, {"small.json", R"({"key": "value"})"}});
    Behaviour behaviour;
    behaviour.direct_git_files = true;
    hub_.set_behaviour(behaviour);
  }

  Reply info() const { return ask(hub_.endpoint() + "/api/models/team/cache"); }
  Reply small() const { return ask(hub_.endpoint() + "/team/cache/resolve/main/small.json"); }
  std::string cdn_url() const {
    return ask(hub_.endpoint() + "/team/cache/resolve/main/big.neff").header("Location");
  }
  int on_cdn(Fault fault, std::size_t times = 1) {
    return hub_.faults().add({.kind = Kind::kCdnGet, .text = "big.neff"}, std::move(fault), times);
  }

  const ContentPtr content_ = generated_content(7, 1'000'000);
  const std::string bytes_ = read_all(*content_);
  TestHub hub_;
  TestRepo& repo_ = hub_.create_repo("team/cache");
};

TEST_F(FaultTest, RulesFitByKindTextAndHostAndAreUsedUp) {
  const int rule = hub_.faults().add({.kind = Kind::kInfo}, Fault::answer(503, "busy"), 2);
  EXPECT_EQ(small().status, 200);
  EXPECT_EQ(info().status, 503);
  EXPECT_EQ(info().body, "busy");
  EXPECT_EQ(info().status, 200);
  EXPECT_EQ(hub_.faults().struck(rule), 2U);
  hub_.faults().add({.text = "small.json"}, Fault::html(502));
  EXPECT_EQ(small().status, 502);
  EXPECT_NE(small().body.find("<html>"), std::string::npos);
  hub_.faults().clear();
  EXPECT_EQ(small().status, 200);
  hub_.faults().add({.host = Host::kCdn}, Fault::answer(500));
  EXPECT_EQ(small().status, 200);
  EXPECT_EQ(ask(cdn_url()).status, 500);
}

TEST_F(FaultTest, ThrottlingCanClaimAnything) {
  hub_.faults().add({}, Fault::answer(429, "", {{"RateLimit", "\"api\";r=17;t=3"}}), 1);
  const Reply reply = info();
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.header("RateLimit"), "\"api\";r=17;t=3");
}

TEST_F(FaultTest, HangUpGivesNoAnswer) {
  hub_.faults().add({}, Fault::hang_up(), 1);
  const Reply reply = info();
  EXPECT_EQ(reply.status, 0);
  EXPECT_TRUE(reply.broken);
  EXPECT_EQ(info().status, 200);
}

TEST_F(FaultTest, InvalidJsonHasTheRightLength) {
  hub_.faults().add({.kind = Kind::kInfo}, Fault::invalid_json(), 1);
  const Reply reply = info();
  EXPECT_FALSE(reply.broken);
  EXPECT_FALSE(json::accept(reply.body));
}

TEST_F(FaultTest, TruncatedBodiesPromiseTheFullLength) {
  const std::string url = cdn_url();
  on_cdn(Fault::truncate(123'456));
  const Reply reply = ask(url);
  EXPECT_TRUE(reply.broken);
  EXPECT_EQ(reply.header("Content-Length"), "1000000");
  EXPECT_EQ(reply.body, bytes_.substr(0, 123'456));
  EXPECT_EQ(ask(url).body, bytes_);
}

TEST_F(FaultTest, BodyFaultsWaitForABody) {
  const int rule = hub_.faults().add({.text = "big.neff"}, Fault::truncate(1), 1);
  const std::string url = cdn_url();  // a 302 has none
  EXPECT_EQ(hub_.faults().struck(rule), 0U);
  EXPECT_EQ(ask(url).body.size(), 1U);
}

TEST_F(FaultTest, OneByteIsInverted) {
  const std::string url = cdn_url();
  on_cdn(Fault::corrupt(500'000));
  const Reply reply = ask(url);
  ASSERT_EQ(reply.body.size(), bytes_.size());
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    ASSERT_EQ(reply.body[i] == bytes_[i], i != 500'000) << i;
  }
}

TEST_F(FaultTest, SizesCanBeWrongWithLengthsThatAgree) {
  const std::string url = cdn_url();
  on_cdn(Fault::resize(-10));
  on_cdn(Fault::resize(10));
  const Reply shorter = ask(url);
  EXPECT_FALSE(shorter.broken);
  EXPECT_EQ(shorter.body, bytes_.substr(0, 999'990));
  EXPECT_EQ(ask(url).body, bytes_ + std::string(10, '\0'));
}

TEST_F(FaultTest, RangesCanBeIgnoredOrMisreported) {
  const std::string url = cdn_url();
  const Ask ranged = {.headers = {"Range: bytes=10-19"}};
  on_cdn(Fault::ignore_range());
  EXPECT_EQ(ask(url, ranged).status, 200);
  on_cdn(Fault::wrong_content_range());
  const Reply wrong = ask(url, ranged);
  EXPECT_EQ(wrong.status, 206);
  EXPECT_EQ(wrong.header("Content-Range"), "bytes 11-20/1000000");
  EXPECT_EQ(wrong.body, bytes_.substr(10, 10));
}

TEST_F(FaultTest, SignedUrlsCanBeBornExpired) {
  hub_.faults().add({.kind = Kind::kResolveGet}, Fault::expired_url(), 1);
  EXPECT_EQ(ask(cdn_url()).status, 403);
  EXPECT_EQ(ask(cdn_url()).status, 200);
}

TEST_F(FaultTest, PagesAndRedirectsCanBeEndless) {
  hub_.faults().add({.kind = Kind::kTree}, Fault::endless_pages());
  std::string url = hub_.endpoint() + "/api/models/team/cache/tree/main";
  for (int page = 0; page < 20; ++page) {
    const std::string link = ask(url).header("Link");
    ASSERT_NE(link, "");
    url = link.substr(1, link.find('>') - 1);
  }
  hub_.faults().add({.kind = Kind::kInfo}, Fault::redirect_loop());
  EXPECT_EQ(info().header("Location"), "/api/models/team/cache");
}

TEST_F(FaultTest, HeadersCanBeDroppedAndChanged) {
  hub_.faults().add({.kind = Kind::kResolveGet}, Fault::drop_header("x-repo-commit"), 1);
  EXPECT_EQ(small().header("X-Repo-Commit"), "");
  hub_.faults().add({}, Fault::set_header("X-HF-Warning", "topic; text"), 1);
  EXPECT_EQ(small().header("X-HF-Warning"), "topic; text");
  EXPECT_NE(small().header("X-Repo-Commit"), "");
}

TEST_F(FaultTest, StalledBodiesGoOnWhenReleased) {
  const std::string url = cdn_url();
  on_cdn(Fault::stall(1000));
  Reply reply;
  std::thread client([&] { reply = ask(url); });
  EXPECT_TRUE(hub_.pauses().wait_stalled(1, std::chrono::seconds(10)));
  hub_.pauses().release_stalls();
  client.join();
  EXPECT_EQ(reply.body, bytes_);
}

TEST_F(FaultTest, HeldRequestsWaitAtTheGate) {
  std::vector<std::thread> clients;
  std::vector<int> statuses(3);
  {
    const Gate gate = hub_.hold({.kind = Kind::kInfo});
    for (int& status : statuses) clients.emplace_back([&] { status = info().status; });
    EXPECT_TRUE(gate.wait_held(3));
    EXPECT_EQ(small().status, 200);  // others pass
    gate.let_pass(1);
    EXPECT_TRUE(hub_.traffic().wait_for(Kind::kInfo, 3));
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(statuses, (std::vector{200, 200, 200}));
}

TEST_F(FaultTest, AnswersCanBeHeldWhenTheyAreReady) {
  const std::string old_head = repo_.head();
  Gate gate = hub_.hold({.kind = Kind::kInfo}, HoldPoint::kBeforeAnswering);
  Reply reply;
  std::thread client([&] { reply = info(); });
  EXPECT_TRUE(gate.wait_held(1));
  repo_.commit({{"new", "x"}});
  gate.open();
  client.join();
  EXPECT_EQ(json::parse(reply.body)["sha"], old_head);
}

TEST_F(FaultTest, LatencyAndBandwidthTakeTheirTime) {
  const std::string url = cdn_url();
  hub_.set_latency(milliseconds(50));
  auto start = steady_clock::now();
  EXPECT_EQ(info().status, 200);
  EXPECT_GE(steady_clock::now() - start, milliseconds(50));
  hub_.set_latency(milliseconds(0));
  hub_.set_bytes_per_second(10'000'000);
  start = steady_clock::now();
  EXPECT_EQ(ask(url).body, bytes_);
  EXPECT_GE(steady_clock::now() - start, milliseconds(70));
}

TEST_F(FaultTest, TrafficIsCountedAndLogged) {
  hub_.add_token("hf_x", {});
  const std::string url = cdn_url();
  hub_.traffic().reset();
  ask(url, {.headers = {"Range: bytes=0-9"}});
  ask(hub_.endpoint() + "/team/cache/resolve/main/big.neff", {.method = "HEAD", .token = "hf_x"});
  ASSERT_TRUE(hub_.traffic().wait_until_idle());
  EXPECT_EQ(hub_.traffic().count(Kind::kCdnGet), 1U);
  EXPECT_EQ(hub_.traffic().count(Kind::kResolveHead), 1U);
  EXPECT_EQ(hub_.traffic().total(), 2U);
  const std::vector<LoggedRequest> log = hub_.traffic().log();
  EXPECT_EQ(log[0].range, "bytes=0-9");
  EXPECT_EQ(log[0].bytes_sent, 10U);
  EXPECT_EQ(log[0].status, 206);
  EXPECT_FALSE(log[0].authorized);
  EXPECT_EQ(log[1].status, 302);
  EXPECT_TRUE(log[1].authorized);
  EXPECT_FALSE(hub_.traffic().wait_for(Kind::kTree, 1, milliseconds(1)));
}

TEST_F(FaultTest, ManyConnectionsAreServedAtOnce) {
  constexpr std::size_t kClients = 100;
  const Gate gate = hub_.hold({.kind = Kind::kInfo});
  std::atomic<int> good{0};
  std::vector<std::thread> clients;
  for (std::size_t i = 0; i < kClients; ++i) {
    clients.emplace_back([&] { good += info().status == 200 ? 1 : 0; });
  }
  EXPECT_TRUE(gate.wait_held(kClients, std::chrono::seconds(30)));
  gate.let_pass(kClients);
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(good, static_cast<int>(kClients));
}

TEST_F(FaultTest, StopIsPromptWhateverIsGoingOnAndTheHubComesBack) {
  const std::string url = cdn_url();
  on_cdn(Fault::stall(10), Faults::kForEver);
  const Gate gate = hub_.hold({.kind = Kind::kInfo});
  std::thread stalled([&] { EXPECT_TRUE(ask(url).broken); });
  std::thread held([&] { EXPECT_NE(info().status, 200); });
  EXPECT_TRUE(gate.wait_held(1));
  EXPECT_TRUE(hub_.pauses().wait_stalled(1, std::chrono::seconds(10)));
  const auto start = steady_clock::now();
  hub_.stop();
  EXPECT_LT(steady_clock::now() - start, std::chrono::seconds(2));
  stalled.join();
  held.join();
  EXPECT_EQ(small().status, 0);
  hub_.start();
  EXPECT_EQ(small().status, 200);
}

TEST_F(FaultTest, HugeFilesAreNeverInMemory) {
  constexpr std::uint64_t kHuge = 300'000'000;
  repo_.commit({{"huge.neff", generated_content(9, kHuge)}});
  const std::string url =
      ask(hub_.endpoint() + "/team/cache/resolve/main/huge.neff").header("Location");
  const Reply tail = ask(url, {.headers = {"Range: bytes=299999990-"}});
  std::string expected(10, '\0');
  generated_content(9, kHuge)->read(kHuge - 10, expected);
  EXPECT_EQ(tail.body, expected);
}

TEST(ControlApi, DoesOverHttpWhatTestsDoInProcess) {
  TestHubOptions options;
  options.control_over_http = true;
  TestHub hub(options);
  const auto control = [&](const std::string& verb, const json& body) {
    return ask(hub.endpoint() + "/__test__/" + verb, {.method = "POST", .body = body.dump()});
  };
  EXPECT_EQ(control("repos", {{"name", "a/b"}, {"private", true}}).status, 200);
  EXPECT_EQ(control("tokens", {{"token", "hf_t"}, {"roles", {{"a/b", "write"}}}}).status, 200);
  const json files = {{{"path", "x.txt"}, {"text", "hi"}},
                      {{"path", "y.bin"}, {"seed", 1}, {"size", 100}, {"lfs", true}}};
  EXPECT_EQ(control("commits", {{"repo", "a/b"}, {"files", files}}).status, 200);
  const std::string tree = hub.endpoint() + "/api/models/a/b/tree/main";
  EXPECT_EQ(json::parse(ask(tree, {.token = "hf_t"}).body).size(), 3U);
  const json fault = {{"match", {{"kind", "tree"}}},
                      {"times", 1},
                      {"fault", {{"type", "answer"}, {"status", 503}}}};
  EXPECT_EQ(control("faults", fault).status, 200);
  EXPECT_EQ(ask(tree, {.token = "hf_t"}).status, 503);
  EXPECT_EQ(ask(tree, {.token = "hf_t"}).status, 200);
  EXPECT_EQ(json::parse(ask(hub.endpoint() + "/__test__/counts").body)["tree"], 3);
  EXPECT_EQ(json::parse(ask(hub.endpoint() + "/__test__/requests?kind=tree").body).size(), 3U);
  EXPECT_EQ(control("faults", {{"fault", {{"type", "no such"}}}}).status, 400);
  EXPECT_EQ(control("nonsense", json::object()).status, 404);
}

}  // namespace
}  // namespace neffs::test
