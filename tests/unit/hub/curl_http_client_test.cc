// The transport by itself: streams, back-pressure, time limits, cancelling.
#include <gtest/gtest.h>

#include <future>

#include "hub/mailbox.h"
#include "tests/unit/hub/hub_under_test.h"
#include "tests/unit/hub/loopback_server.h"

namespace neffs::test {
namespace {

using hub::HttpRequest;
using hub::HubErrorKind;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr auto kNoEnd = steady_clock::time_point::max();

class CurlHttpClientTest : public ::testing::Test {
 protected:
  HttpRequest get(const LoopbackServer& server, const std::string& target) const {
    HttpRequest request;
    request.url = server.url() + target;
    return request;
  }
  hub::HttpResponse ask(const HttpRequest& request, std::size_t max_body = 1U << 20U) {
    return hub::perform(*client_.exchange({}), request, max_body);
  }

  // A request to a port that was a server's a moment ago.
  static HttpRequest nobody_listens() {
    HttpRequest request;
    request.url = LoopbackServer([](const SeenRequest&, Reply&) {}).url();
    return request;
  }

  hub::CurlHttpClient client_{{"neffs/test", "", milliseconds(10'000), 64UL * 1024}};
};

TEST_F(CurlHttpClientTest, BringsAnswersAsTheyAre) {
  LoopbackServer server([](const SeenRequest& request, Reply& reply) {
    reply.answer(307, {{"Location", "/elsewhere"}, {"X-A", " b "}}, request.method + request.body);
  });
  HttpRequest request = get(server, "/a/../b%20c?d=e");
  request.method = "POST";
  request.body = "text";
  request.headers.add("X-Mine", "1");
  const auto response = ask(request);
  EXPECT_EQ(response.status, 307);
  EXPECT_EQ(response.body, "POSTtext");
  EXPECT_EQ(response.headers.get("x-a"), "b ");
  ASSERT_EQ(server.seen().size(), 1U) << "a redirect was followed";
  const auto seen = server.seen()[0];
  EXPECT_EQ(seen.target, "/a/../b%20c?d=e");
  EXPECT_EQ(seen.header("User-Agent"), "neffs/test");
  EXPECT_EQ(seen.header("Accept-Encoding"), "identity");
  EXPECT_EQ(seen.header("X-Mine"), "1");
}

TEST_F(CurlHttpClientTest, HeadHasNoBodyAndInterimAnswersAreSkipped) {
  LoopbackServer server([](const SeenRequest&, Reply& reply) {
    reply.send(
        "HTTP/1.1 103 Early\r\nX-A: no\r\n\r\nHTTP/1.1 200 OK\r\nX-A: yes\r\n"
        "Content-Length: 5\r\n\r\n");
  });
  HttpRequest request = get(server, "/");
  request.method = "HEAD";
  const auto response = ask(request);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.get("X-A"), "yes");
  EXPECT_EQ(response.body, "");
}

TEST_F(CurlHttpClientTest, FailuresAreUnavailable) {
  struct Row {
    const char* name;
    const char* bytes;
  };
  for (const Row& row :
       {Row{"nothing", ""}, Row{"no HTTP", "SSH-2.0-x\r\n"},
        Row{"cut head", "HTTP/1.1 200 OK\r\nX-A"},
        Row{"cut body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"},
        Row{"cut chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc"}}) {
    LoopbackServer server([&](const SeenRequest&, Reply& reply) {
      reply.send(row.bytes);
      reply.cut();
    });
    const auto error = error_of([&] { ask(get(server, "/?Signature=x")); });
    EXPECT_EQ(error.kind, HubErrorKind::kUnavailable) << row.name << ": " << error.what();
  }
  EXPECT_EQ(error_of([&] { ask(nobody_listens()); }).kind, HubErrorKind::kUnavailable);
}

TEST_F(CurlHttpClientTest, LongBodiesAreRefusedOrCut) {
  LoopbackServer server(
      [](const SeenRequest&, Reply& reply) { reply.answer(200, {}, "0123456789"); });
  EXPECT_EQ(ask(get(server, "/"), 10).body, "0123456789");
  EXPECT_EQ(error_of([&] { ask(get(server, "/"), 9); }).kind, HubErrorKind::kInvalidAnswer);
  EXPECT_EQ(hub::perform(*client_.exchange({}), get(server, "/"), 4, hub::WhenLonger::kCut).body,
            "0123");
}

TEST_F(CurlHttpClientTest, StalledTransfersAndDeadlinesEnd) {
  LoopbackServer server([](const SeenRequest& request, Reply& reply) {
    if (request.target == "/body") reply.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    reply.stall();
  });
  for (const char* target : {"/head", "/body"}) {
    HttpRequest stalled = get(server, target);
    stalled.idle_timeout = milliseconds(100);
    EXPECT_EQ(error_of([&] { ask(stalled); }).kind, HubErrorKind::kUnavailable) << target;
  }
  HttpRequest limited = get(server, "/head");
  const auto begin = steady_clock::now();
  limited.deadline = begin + milliseconds(150);
  EXPECT_EQ(error_of([&] { ask(limited); }).kind, HubErrorKind::kUnavailable);
  EXPECT_GE(steady_clock::now() - begin, milliseconds(150));
  EXPECT_LT(steady_clock::now() - begin, milliseconds(5'000));
}

TEST_F(CurlHttpClientTest, ConnectionsAreKept) {
  std::atomic<int> connections{0};
  LoopbackServer server([&](const SeenRequest&, Reply& reply) {
    thread_local bool known = false;
    if (!known) ++connections;
    known = true;
    reply.answer(200, {}, "x");
  });
  for (int i = 0; i < 5; ++i) ask(get(server, "/"));
  EXPECT_EQ(connections, 1);
  HttpRequest fresh = get(server, "/");
  fresh.fresh_connection = true;
  ask(fresh);
  EXPECT_EQ(connections, 2);
}

TEST_F(CurlHttpClientTest, SlowReaderDoesNotHoldUpOthers) {
  const std::string content = sample_bytes(32 << 20);
  LoopbackServer server([&](const SeenRequest& request, Reply& reply) {
    reply.answer(200, {}, request.target == "/big" ? content : "small");
  });
  const auto slow = client_.exchange({});
  const auto big = slow->start(get(server, "/big"));
  ASSERT_TRUE(server.wait_for(1));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ask(get(server, "/small")).body, "small");

  std::string received;
  for (;;) {
    auto event = slow->next(kNoEnd);
    ASSERT_EQ(event->transfer, big);
    if (const auto* piece = std::get_if<hub::BodyPiece>(&event->what)) {
      EXPECT_LE(piece->bytes.size(), 512U * 1024U) << "more was buffered than allowed";
      received += piece->bytes;
    }
    if (std::holds_alternative<hub::BodyEnd>(event->what)) break;
    ASSERT_FALSE(std::holds_alternative<hub::HubError>(event->what));
  }
  EXPECT_TRUE(received == content);
}

TEST_F(CurlHttpClientTest, ParallelTransfersOfOneExchangeAreToldApart) {
  LoopbackServer server([](const SeenRequest& request, Reply& reply) {
    reply.answer(200, {}, std::string(100'000, request.target.back()));
  });
  const auto exchange = client_.exchange({});
  std::map<hub::TransferId, std::string> wanted;
  std::map<hub::TransferId, std::string> received;
  for (const char letter : {'a', 'b', 'c', 'd'}) {
    wanted[exchange->start(get(server, std::string("/") + letter))] = std::string(100'000, letter);
  }
  for (std::size_t ended = 0; ended < wanted.size();) {
    auto event = exchange->next(kNoEnd);
    if (auto* piece = std::get_if<hub::BodyPiece>(&event->what)) {
      received[event->transfer] += piece->bytes;
    }
    if (std::holds_alternative<hub::BodyEnd>(event->what)) ++ended;
  }
  EXPECT_EQ(received, wanted);
}

TEST_F(CurlHttpClientTest, NextWaitsNoLongerThanTold) {
  const auto exchange = client_.exchange({});
  EXPECT_FALSE(exchange->next(steady_clock::now() + milliseconds(10)));
}

TEST_F(CurlHttpClientTest, CancelledTransferSaysNothingMore) {
  LoopbackServer server([](const SeenRequest& request, Reply& reply) {
    if (request.target == "/stall") return reply.stall();
    reply.answer(200, {}, "x");
  });
  const auto exchange = client_.exchange({});
  const auto stalled = exchange->start(get(server, "/stall"));
  ASSERT_TRUE(server.wait_for(1));
  exchange->cancel(stalled);
  EXPECT_EQ(hub::perform(*exchange, get(server, "/"), 10).body, "x");
}

TEST_F(CurlHttpClientTest, StopAndShutdownEndWaitsAtOnce) {
  LoopbackServer server([](const SeenRequest&, Reply& reply) { reply.stall(); });
  std::stop_source stop;
  const auto wait = [&](std::stop_token token) {
    return error_of([&] { hub::perform(*client_.exchange(token), get(server, "/"), 10); }).kind;
  };
  auto stopped = std::async(std::launch::async, wait, stop.get_token());
  auto shut_down = std::async(std::launch::async, wait, std::stop_token());
  ASSERT_TRUE(server.wait_for(2));

  auto begin = steady_clock::now();
  stop.request_stop();
  EXPECT_EQ(stopped.get(), HubErrorKind::kCancelled);
  client_.shutdown();
  EXPECT_EQ(shut_down.get(), HubErrorKind::kCancelled);
  EXPECT_LT(steady_clock::now() - begin, milliseconds(1'000));
  EXPECT_EQ(wait({}), HubErrorKind::kCancelled) << "after the shutdown";
}

TEST(Mailbox, TakesNoMoreThanItsLimit) {
  hub::Mailbox mailbox(10);
  mailbox.expect(1);
  EXPECT_TRUE(mailbox.put_body(1, std::string(20, 'a'))) << "one piece always fits";
  EXPECT_FALSE(mailbox.put_body(1, "b"));
  auto taken = mailbox.take(kNoEnd, {});
  EXPECT_TRUE(taken->room_again);
  EXPECT_TRUE(mailbox.put_body(1, "b"));
  EXPECT_FALSE(mailbox.take(kNoEnd, {})->room_again);
  EXPECT_TRUE(mailbox.put_body(7, "nobody waits for this"));
  EXPECT_FALSE(mailbox.take(steady_clock::now(), {}));
}

TEST(Mailbox, GivesBytesBeforeTheEndAndEveryTransferItsTurn) {
  hub::Mailbox mailbox(10);
  mailbox.expect(1);
  mailbox.expect(2);
  for (const int id : {1, 2}) {
    mailbox.put_head(id, {200, {}});
    mailbox.put_body(id, "x");
    mailbox.put_end(id);
  }
  std::string order;
  for (int i = 0; i < 6; ++i) {
    const auto taken = mailbox.take(kNoEnd, {});
    order += std::to_string(taken->transfer) + "hbe"[taken->event->what.index()] + " ";
  }
  EXPECT_EQ(order, "1h 2h 1b 2b 1e 2e ");
  EXPECT_FALSE(mailbox.take(steady_clock::now(), {}));
}

}  // namespace
}  // namespace neffs::test
