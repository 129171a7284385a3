// The ways in which those who write to the test Hub can be failed.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "tests/hub/writing_test.h"

namespace neffs::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

class WritingFaultTest : public WritingTest {
 protected:
  Reply commit_one() const { return commit({file("a", "a")}); }
  int on(Kind kind, const Fault& fault, std::size_t times = 1) {
    return hub_.faults().add({.kind = kind}, fault, times);
  }
  std::size_t commits() const { return repo_.history(repo_.head()).size() - 1; }

  // Says `text` to a port and hangs up without waiting for an answer.
  static void say(const std::string& endpoint, const std::string& text) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    const int port = std::stoi(endpoint.substr(endpoint.rfind(':') + 1));
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::send(fd, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
    ::close(fd);
  }
};

TEST_F(WritingFaultTest, EveryEndpointCanFailBeforeItTakesEffect) {
  for (const Kind kind :
       {Kind::kCreateRepo, Kind::kPreupload, Kind::kLfsBatch, Kind::kLfsVerify, Kind::kLfsPut,
        Kind::kLfsPutPart, Kind::kLfsComplete, Kind::kCommit, Kind::kAuthCheck, Kind::kCommits}) {
    on(kind, Fault::answer(503), Faults::kForEver);
  }
  EXPECT_EQ(create({{"name", "a"}}).status, 503);
  EXPECT_EQ(post(api("/preupload/main"), json::object()).status, 503);
  EXPECT_EQ(batch({object("x")}).status, 503);
  EXPECT_EQ(post(hub_.endpoint() + "/team/cache.git/info/lfs/objects/verify", {}).status, 503);
  EXPECT_EQ(put(hub_.cdn_endpoint() + "/lfs-upload/team/cache/x?size=1", "x").status, 503);
  EXPECT_EQ(put(hub_.cdn_endpoint() + "/lfs-upload/team/cache/x?partNumber=1", "x").status, 503);
  EXPECT_EQ(post(hub_.endpoint() + "/api/complete_multipart?uploadId=x", {}).status, 503);
  EXPECT_EQ(commit_one().status, 503);
  EXPECT_EQ(ask(api("/auth-check/write"), {.token = "hf_w"}).status, 503);
  EXPECT_EQ(ask(api("/commits/main"), {.token = "hf_w"}).status, 503);
  EXPECT_EQ(commits(), 0U);
  EXPECT_EQ(hub_.repos().find("ada/a"), nullptr);
}

TEST_F(WritingFaultTest, ACommitCanTakeEffectAndItsAnswerBeLost) {
  on(Kind::kCommit, Fault::answer(500).after());
  EXPECT_EQ(commit_one().status, 500);
  EXPECT_EQ(commits(), 1U);
  on(Kind::kCommit, Fault::hang_up().after());
  EXPECT_TRUE(commit_one().broken);
  EXPECT_EQ(commits(), 2U);
  on(Kind::kCommit, Fault::truncate(10));
  EXPECT_TRUE(commit_one().broken);
  EXPECT_EQ(commits(), 3U);
  on(Kind::kCommit, Fault::html(504).after());
  EXPECT_EQ(commit_one().status, 504);
  EXPECT_EQ(commits(), 4U);
}

TEST_F(WritingFaultTest, ALostAnswerMeansThatThereWasAnEffect) {
  const int rule = on(Kind::kCommit, Fault::answer(500).after());
  EXPECT_EQ(commit({deleted("nope")}).status, 404);
  EXPECT_EQ(hub_.faults().struck(rule), 0U);
  EXPECT_EQ(commit_one().status, 500);
  EXPECT_EQ(hub_.faults().struck(rule), 1U);
}

TEST_F(WritingFaultTest, UploadsCanTakeEffectAndTheirAnswersBeLost) {
  const std::string url = offer(binary_)["actions"]["upload"]["href"];
  on(Kind::kLfsPut, Fault::answer(500).after());
  EXPECT_EQ(put(url, binary_).status, 500);
  EXPECT_FALSE(offer(binary_).contains("actions"));
  limit([](WritingLimits& limits) { limits.parts_from = 10; });
  const json offered = offer("in some parts");
  const json parts = put_parts(offered, "in some parts");
  on(Kind::kLfsComplete, Fault::hang_up().after());
  EXPECT_TRUE(complete(offered, parts).broken);
  EXPECT_EQ(complete(offered, parts).status, 404);
  EXPECT_FALSE(offer("in some parts").contains("actions"));
}

TEST_F(WritingFaultTest, StormsOfRefusalsSoundLikeTheHub) {
  on(Kind::kCommit, Fault::commit_running(), 2);
  on(Kind::kCommit, Fault::head_moved(), 2);
  on(Kind::kCommit, Fault::commit_quota(), 1);
  for (const int status : {409, 409, 412, 412}) EXPECT_EQ(commit_one().status, status);
  const Reply quota = commit_one();
  EXPECT_EQ(quota.status, 429);
  EXPECT_NE(quota.body.find("repository commits (128 per hour)"), std::string::npos);
  EXPECT_TRUE(quota.header("RateLimit").starts_with("\"api\";r="));
  EXPECT_FALSE(quota.header("RateLimit").starts_with("\"api\";r=0;"));
  EXPECT_EQ(commits(), 0U);
  EXPECT_EQ(commit_one().status, 200);
}

TEST_F(WritingFaultTest, UploadsAreCutOffInTheMiddle) {
  const std::string bytes = read_all(*generated_content(2, 3'000'000));
  const std::string url = offer(bytes)["actions"]["upload"]["href"];
  on(Kind::kLfsPut, Fault::cut_upload(1'000'000));
  EXPECT_TRUE(put(url, bytes).broken);
  EXPECT_TRUE(offer(bytes).contains("actions"));
  ASSERT_TRUE(hub_.traffic().wait_until_idle());
  const LoggedRequest cut = hub_.traffic().log({.kind = Kind::kLfsPut}).front();
  EXPECT_EQ(cut.status, 0);
  EXPECT_GE(cut.bytes_received, 1'000'000U);
  EXPECT_LT(cut.bytes_received, bytes.size());
  EXPECT_EQ(put(url, bytes).status, 200);
  EXPECT_EQ(hub_.traffic().log({.kind = Kind::kLfsPut}).back().bytes_received, bytes.size());
}

TEST_F(WritingFaultTest, UploadsStallUntilReleased) {
  const std::string url = offer(binary_)["actions"]["upload"]["href"];
  on(Kind::kLfsPut, Fault::stall_upload(1000));
  Reply reply;
  std::thread client([&] { reply = put(url, binary_); });
  EXPECT_TRUE(hub_.pauses().wait_stalled(1, seconds(10)));
  EXPECT_EQ(hub_.traffic().count(Kind::kLfsPut), 1U);
  EXPECT_EQ(commit_one().status, 200);  // nobody else is held up
  hub_.pauses().release_stalls();
  client.join();
  EXPECT_EQ(reply.status, 200);
}

TEST_F(WritingFaultTest, SlowUploadsTakeTheirTime) {
  const std::string url = offer(binary_)["actions"]["upload"]["href"];
  on(Kind::kLfsPut, Fault::slow_upload(1'000'000));
  const auto start = steady_clock::now();
  EXPECT_EQ(put(url, binary_).status, 200);
  EXPECT_GE(steady_clock::now() - start, milliseconds(80));
}

TEST_F(WritingFaultTest, CommitsCanTakeLong) {
  Behaviour behaviour = hub_.behaviour();
  behaviour.commit_duration = seconds(60);
  hub_.set_behaviour(behaviour);
  Reply slow;
  std::thread client([&] { slow = commit_one(); });
  // To try to begin one would be to take the client's turn away.
  while (!repo_.commit_is_running()) std::this_thread::yield();
  EXPECT_EQ(commit_one().status, 409);
  hub_.stop();  // does not wait for it
  client.join();
  EXPECT_EQ(slow.status, 0);
  EXPECT_EQ(commits(), 0U);
}

TEST_F(WritingFaultTest, HalfABodyIsNoRequest) {
  const std::string head =
      "POST /api/models/team/cache/commit/main HTTP/1.1\r\nHost: x\r\n"
      "Authorization: Bearer hf_w\r\n"
      "Content-Type: application/x-ndjson\r\n";
  const std::string body = json({{"key", "header"}, {"value", {{"summary", "s"}}}}).dump() + "\n" +
                           file("a", "a").dump() + "\n";
  say(hub_.endpoint(),
      head + "Content-Length: " + std::to_string(body.size() + 1) + "\r\n\r\n" + body);
  ASSERT_TRUE(hub_.traffic().wait_for(Kind::kCommit, 1));
  ASSERT_TRUE(hub_.traffic().wait_until_idle());
  EXPECT_EQ(commits(), 0U);
  EXPECT_EQ(hub_.traffic().log().front().bytes_received, body.size());
  say(hub_.endpoint(), head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  ASSERT_TRUE(hub_.traffic().wait_for(Kind::kCommit, 2));
  ASSERT_TRUE(hub_.traffic().wait_until_idle());
  EXPECT_EQ(commits(), 1U);  // nobody waits for the answer, the effect is there
}

TEST_F(WritingFaultTest, StopIsPromptWhileBodiesArrive) {
  const std::string url = offer(binary_)["actions"]["upload"]["href"];
  on(Kind::kLfsPut, Fault::stall_upload(10), Faults::kForEver);
  const Gate gate = hub_.hold({.kind = Kind::kCommit}, HoldPoint::kWhileCommitting);
  std::thread stalled([&] { EXPECT_TRUE(put(url, binary_).broken); });
  std::thread held([&] { EXPECT_TRUE(commit_one().broken); });
  EXPECT_TRUE(gate.wait_held(1));
  EXPECT_TRUE(hub_.pauses().wait_stalled(1, seconds(10)));
  hub_.stop();
  stalled.join();
  held.join();
  EXPECT_EQ(commits(), 0U);
  hub_.start();
  hub_.faults().clear();
  gate.let_pass(1);
  EXPECT_EQ(commit_one().status, 200);  // the commit that was held has let go
}

TEST_F(WritingFaultTest, TheControlApiKnowsThemAll) {
  TestHubOptions options;
  options.control_over_http = true;
  TestHub hub(options);
  hub.add_token("hf_c", {.user = "c", .elsewhere = Role::kWrite});
  const auto control = [&](const std::string& verb, const json& body) {
    return post(hub.endpoint() + "/__test__/" + verb, body, "").status;
  };
  ASSERT_EQ(control("repos", {{"name", "a/b"}}), 200);
  const auto commit_there = [&] {
    return ask(hub.endpoint() + "/api/models/a/b/commit/main",
               {.method = "POST",
                .token = "hf_c",
                .headers = {"Content-Type: application/x-ndjson"},
                .body = json({{"key", "header"}, {"value", {{"summary", "s"}}}}).dump()})
        .status;
  };
  const std::vector<std::pair<std::string, int>> faults = {
      {"commit-running", 409}, {"head-moved", 412}, {"commit-quota", 429}};
  for (const auto& [type, status] : faults) {
    const json fault = {{"match", {{"kind", "commit"}}}, {"times", 1}, {"fault", {{"type", type}}}};
    EXPECT_EQ(control("faults", fault), 200) << type;
    EXPECT_EQ(commit_there(), status) << type;
  }
  for (const char* type : {"cut-upload", "stall-upload", "slow-upload"}) {
    const json fault = {{"match", {{"kind", "lfs-put"}}}, {"fault", {{"type", type}, {"at", 5}}}};
    EXPECT_EQ(control("faults", fault), 200) << type;
  }
  EXPECT_EQ(control("settings", {{"rate", {{"commits_per_hour", 2}}}}), 200);
  EXPECT_EQ(commit_there(), 200);
  EXPECT_EQ(commit_there(), 429);
  EXPECT_EQ(control("settings", {{"limits", {{"part_size", 7}}}, {"offers_verify", false}}), 200);
  EXPECT_EQ(hub.behaviour().limits.part_size, 7U);
  EXPECT_FALSE(hub.behaviour().offers_verify);
}

}  // namespace
}  // namespace neffs::test
