// Bodies that are read while they are sent: exact, bounded, and honest about what has arrived.
#include <gtest/gtest.h>

#include "hub/file_body.h"
#include "hub/mailbox.h"
#include "tests/unit/hub/hub_under_test.h"
#include "tests/unit/hub/loopback_server.h"
#include "tests/unit/hub/peak_memory.h"

namespace neffs::test {
namespace {

using hub::HttpRequest;
using hub::HubErrorKind;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr auto kNoEnd = steady_clock::time_point::max();
constexpr std::size_t kMiB = 1UL << 20U;

// Bytes in memory; `before_piece` is called before each piece and may throw.
class TextSource final : public hub::BodySource {
 public:
  explicit TextSource(std::string text, std::function<void(std::size_t at)> before_piece = {})
      : text_(std::move(text)), before_piece_(std::move(before_piece)) {}

  std::uint64_t size() const override { return text_.size(); }
  std::string read(std::size_t most) override {
    if (before_piece_) before_piece_(at_);
    std::string piece = text_.substr(at_, most);
    at_ += piece.size();
    return piece;
  }

 private:
  const std::string text_;
  const std::function<void(std::size_t)> before_piece_;
  std::size_t at_ = 0;
};

class SendingTest : public ::testing::Test {
 protected:
  static HttpRequest put(const LoopbackServer& server, std::shared_ptr<hub::BodySource> source) {
    HttpRequest request;
    request.method = "PUT";
    request.url = server.url() + "/object?Signature=x";
    request.source = std::move(source);
    request.bulk = true;
    return request;
  }
  static HttpRequest put(const LoopbackServer& server, std::string text) {
    return put(server, std::make_shared<TextSource>(std::move(text)));
  }
  hub::HttpResponse send(const HttpRequest& request) {
    return hub::perform(*client_.exchange({}), request, kMiB);
  }

  LoopbackServer server_{[](const SeenRequest&, Reply& reply) { reply.answer(200, {}, "ok"); }};
  hub::CurlHttpClient client_{{"neffs/test", "", milliseconds(10'000), 64UL * 1024}};
};

TEST_F(SendingTest, BodiesArriveAsTheyAreWithTheirLength) {
  for (const std::size_t size : {0UL, 1UL, 256UL * 1024, 256UL * 1024 + 1, 3 * kMiB + 7}) {
    const std::string text = sample_bytes(size);
    EXPECT_EQ(send(put(server_, text)).body, "ok");
    const SeenRequest seen = server_.seen().back();
    EXPECT_EQ(seen.method, "PUT");
    EXPECT_TRUE(seen.body == text) << size;
    EXPECT_EQ(seen.header("Content-Length"), std::to_string(size));
    for (const char* name : {"Expect", "Transfer-Encoding", "Content-Type", "Authorization"}) {
      EXPECT_EQ(seen.header(name), "") << name;
    }
  }
}

TEST_F(SendingTest, SeveralAtOnceDoNotWaitForEachOther) {
  const auto exchange = client_.exchange({});
  for (int i = 0; i < 3; ++i) exchange->start(put(server_, sample_bytes(2 * kMiB)));
  for (int ended = 0; ended < 3;) {
    const auto event = exchange->next(kNoEnd);
    if (std::holds_alternative<hub::BodyEnd>(event->what)) ++ended;
    ASSERT_FALSE(std::holds_alternative<hub::HubError>(event->what));
  }
  for (const SeenRequest& seen : server_.seen()) EXPECT_TRUE(seen.body == sample_bytes(2 * kMiB));
}

TEST_F(SendingTest, NeverReadsAheadOfTheNetworkMoreThanABit) {
  LoopbackServer deaf([](const SeenRequest&, Reply& reply) { reply.stall(); },
                      LoopbackServer::Reads::kHeadOnly);
  std::size_t read = 0;
  HttpRequest request = put(deaf, std::make_shared<TextSource>(sample_bytes(64 * kMiB),
                                                               [&](std::size_t at) { read = at; }));
  request.idle_timeout = milliseconds(300);
  const auto error = error_of([&] { send(request); });
  EXPECT_EQ(error.kind, HubErrorKind::kUnavailable);
  EXPECT_FALSE(error.may_have_arrived);
  EXPECT_LT(read, 32 * kMiB) << "beyond what the sockets hold";
}

TEST_F(SendingTest, BigFilesTakeNoMemory) {
  const TemporaryFile file;
  constexpr std::uint64_t kSize = 200UL * 1000 * 1000;
  ASSERT_EQ(::ftruncate(file.fd(), kSize), 0);
  const PeakMemory memory;
  send(put(server_, std::make_shared<hub::FileBody>(file.fd(), 0, kSize)));
  EXPECT_EQ(server_.seen().back().body_size, kSize);
  EXPECT_LT(memory.growth_kib(), kMostGrowthKib);
}

TEST_F(SendingTest, AFailingSourceEndsTheTransferBeforeItIsWhole) {
  const auto fail_late = [](std::size_t at) {
    if (at >= kMiB) throw hub::HubError::local("the file cannot be read", EIO);
  };
  const auto error = error_of(
      [&] { send(put(server_, std::make_shared<TextSource>(sample_bytes(2 * kMiB), fail_late))); });
  EXPECT_EQ(error.kind, HubErrorKind::kLocal);
  EXPECT_EQ(error.local_errno, EIO);
  EXPECT_EQ(send(put(server_, "next")).status, 200);
  EXPECT_EQ(server_.seen().size(), 1U) << "half a body counted as a request";
}

TEST_F(SendingTest, AFileThatIsShorterThanPromisedIsAFailureOfTheFile) {
  const TemporaryFile file;
  ASSERT_EQ(::ftruncate(file.fd(), 1000), 0);
  const auto error =
      error_of([&] { send(put(server_, std::make_shared<hub::FileBody>(file.fd(), 500, 501))); });
  EXPECT_EQ(error.kind, HubErrorKind::kLocal);
  EXPECT_EQ(server_.seen().size(), 0U);
}

// A disk that takes longer than the network is allowed to.
TEST_F(SendingTest, ASlowSourceIsNoStalledConnection) {
  LoopbackServer silent([](const SeenRequest&, Reply& reply) { reply.stall(); });
  const auto wait_longer_than_allowed = [&](std::size_t) {
    for (int i = 0; i < 3; ++i) {
      HttpRequest idle;
      idle.url = silent.url();
      idle.idle_timeout = milliseconds(100);
      EXPECT_THROW(send(idle), hub::HubError);
    }
  };
  HttpRequest request =
      put(server_, std::make_shared<TextSource>("late", wait_longer_than_allowed));
  request.idle_timeout = milliseconds(100);
  EXPECT_EQ(send(request).status, 200);
}

TEST_F(SendingTest, AnEarlyAnswerIsHeard) {
  LoopbackServer refusing(
      [](const SeenRequest&, Reply& reply) {
        reply.answer(403, {{"Connection", "close"}}, "<Error>expired</Error>");
        reply.stall();  // or the unread body would reset the connection before the answer is read
      },
      LoopbackServer::Reads::kHeadOnly);
  const auto response = send(put(refusing, sample_bytes(8 * kMiB)));
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.body, "<Error>expired</Error>");
}

TEST_F(SendingTest, TellsWhatMayHaveArrived) {
  using Handler = LoopbackServer::Handler;
  struct Row {
    const char* name;
    Handler handler;
    LoopbackServer::Reads reads;
    bool may_have_arrived;
  };
  const Handler hang_up = [](const SeenRequest&, Reply& reply) { reply.cut(); };
  const Handler stall = [](const SeenRequest&, Reply& reply) { reply.stall(); };
  const Handler half_an_answer = [](const SeenRequest&, Reply& reply) {
    reply.send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{");
    reply.cut();
  };
  constexpr auto kAll = LoopbackServer::Reads::kEverything;
  for (const Row& row : {
           Row{"hangs up after the body", hang_up, kAll, true},
           Row{"is silent after the body", stall, kAll, true},
           Row{"cuts its answer", half_an_answer, kAll, true},
           Row{"hangs up before the body", hang_up, LoopbackServer::Reads::kHeadOnly, false},
       }) {
    LoopbackServer server(row.handler, row.reads);
    HttpRequest request = put(server, sample_bytes(32 * kMiB));
    request.idle_timeout = milliseconds(300);
    const auto error = error_of([&] { send(request); });
    EXPECT_EQ(error.kind, HubErrorKind::kUnavailable) << row.name;
    EXPECT_EQ(error.may_have_arrived, row.may_have_arrived) << row.name;
  }
  const std::string nobody = LoopbackServer([](const SeenRequest&, Reply&) {}).url();
  HttpRequest request;
  request.method = "POST";
  request.url = nobody;
  request.body = "x";
  EXPECT_FALSE(error_of([&] { send(request); }).may_have_arrived);
}

TEST(MailboxSending, HoldsTwoPiecesAndSaysWhenItStarves) {
  hub::Mailbox mailbox(10);
  std::string room(3, ' ');
  mailbox.expect(1, 8);
  EXPECT_EQ(mailbox.take(kNoEnd, {})->outgoing, 8U);
  EXPECT_EQ(mailbox.take_outgoing(1, room), 0U);
  EXPECT_TRUE(mailbox.send(1, "abcd")) << "it starved";
  EXPECT_EQ(mailbox.take(kNoEnd, {})->outgoing, 4U);
  EXPECT_FALSE(mailbox.send(1, "ef"));
  EXPECT_FALSE(mailbox.take(steady_clock::now(), {})) << "two pieces are enough";
  EXPECT_EQ(mailbox.take_outgoing(1, room), 3U);
  EXPECT_EQ(room, "abc");
  EXPECT_EQ(mailbox.take_outgoing(1, room), 1U);
  EXPECT_EQ(mailbox.take(kNoEnd, {})->outgoing, 2U);
  EXPECT_FALSE(mailbox.send(1, "gh"));
  EXPECT_FALSE(mailbox.take(steady_clock::now(), {})) << "all of it is here";
  mailbox.put_head(1, {200, {}});
  EXPECT_TRUE(mailbox.take(kNoEnd, {})->event);
  mailbox.forget(1);
  EXPECT_EQ(mailbox.take_outgoing(1, room), 0U);
  EXPECT_FALSE(mailbox.send(1, "late"));
}

}  // namespace
}  // namespace neffs::test
