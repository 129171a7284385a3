// HubPushRepo against a Hub of the test's own making: what is sent, how much memory it takes, and
// answers that the real Hub would rather not give.
#include "hub/hub_push_repo.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "hub/file_body.h"
#include "tests/unit/hub/hub_under_test.h"
#include "tests/unit/hub/loopback_server.h"
#include "tests/unit/hub/peak_memory.h"

namespace neffs::test {
namespace {

using hub::HubErrorKind;
using nlohmann::json;
using std::chrono::milliseconds;
using State = hub::UploadResult::State;

constexpr std::uint64_t kMB = 1000UL * 1000;

hub::CallLimits soon() {
  return {std::chrono::steady_clock::now() + std::chrono::seconds(60), {}};
}

hub::CommitRequest commit_of(std::vector<hub::RegularFile> files) {
  hub::CommitRequest request;
  request.parent = kCommit;
  request.summary = "Add";
  request.regular_files = std::move(files);
  return request;
}

std::string commit_answer() {
  return R"({"success":true,"commitOid":")" + kCommit + "\"}";
}

class HubPushRepoTest : public ::testing::Test {
 protected:
  // A client of `server`, for "ada/m" and its branch main.
  struct Client {
    explicit Client(const LoopbackServer& server) : hub(server.url()) {}
    HubUnderTest hub;
    hub::HubPushRepo push{hub.client, "ada/m", "main"};
  };

  static std::string commit(const LoopbackServer& server, const hub::CommitRequest& request) {
    Client client(server);
    return client.push.commit(request, soon());
  }
};

TEST_F(HubPushRepoTest, ARepeatedCommitIsTheSameToTheLastByte) {
  std::atomic<int> asked{0};
  LoopbackServer server([&](const SeenRequest&, Reply& reply) {
    if (++asked <= 2) return reply.answer(409, {}, R"({"error":"Another commit operation"})");
    reply.answer(200, {}, commit_answer());
  });
  EXPECT_EQ(commit(server, commit_of({{"a.json", sample_bytes(1'000'000)}})), kCommit);
  const auto seen = server.seen();
  ASSERT_EQ(seen.size(), 3U);
  for (const SeenRequest& request : seen) {
    EXPECT_EQ(request.target, "/api/models/ada/m/commit/main");
    EXPECT_EQ(request.header("Content-Type"), "application/x-ndjson");
    EXPECT_EQ(request.header("Authorization"), "Bearer " + kToken);
    EXPECT_TRUE(request.body == seen[0].body);
  }
}

TEST_F(HubPushRepoTest, ACommitIsNeverTakenToAnotherHost) {
  LoopbackServer other([](const SeenRequest&, Reply& reply) { reply.answer(200, {}, "{}"); });
  LoopbackServer server([&](const SeenRequest&, Reply& reply) {
    reply.answer(307, {{"Location", other.url() + "/steal"}}, "");
  });
  const auto error = error_of([&] { commit(server, commit_of({{"a.json", "{}"}})); });
  EXPECT_EQ(error.kind, HubErrorKind::kInvalidAnswer) << "whoever redirects has not obeyed";
  EXPECT_EQ(other.seen().size(), 0U);
}

TEST_F(HubPushRepoTest, EachCommitHasAConnectionOfItsOwn) {
  std::atomic<int> connections{0};
  LoopbackServer server([&](const SeenRequest&, Reply& reply) {
    thread_local bool known = false;
    if (!std::exchange(known, true)) ++connections;
    reply.answer(200, {}, commit_answer());
  });
  Client client(server);
  for (int i = 0; i < 3; ++i) client.push.commit(commit_of({{"a.json", "{}"}}), soon());
  EXPECT_EQ(connections, 3) << "one that has been idle may be dead, which leaves the outcome open";
}

TEST_F(HubPushRepoTest, SecretsOfTheStorageAreNotInErrors) {
  std::string base;
  LoopbackServer server([&](const SeenRequest& request, Reply& reply) {
    if (request.method == "PUT") return reply.answer(400, {}, "<Error>Signature</Error>");
    json entry = json::parse(request.body)["objects"][0];
    entry["actions"]["upload"]["href"] = base + "/object?Signature=secret";
    reply.answer(200, {}, json{{"objects", {entry}}}.dump());
  });
  base = server.url();
  Client client(server);
  const TemporaryFile file;
  hub::UploadRequest request;
  request.objects = {{sha256_of("x"), 1}};
  ASSERT_EQ(::pwrite(file.fd(), "x", 1, 0), 1);
  request.open = [&](const hub::LfsObject&) { return hub::OpenedFile{nullptr, file.fd()}; };
  const auto results = client.push.upload(request, soon());
  ASSERT_EQ(results[0].state, State::kFailed);
  check_error_text(*results[0].error);
}

TEST_F(HubPushRepoTest, ACommitTakesTheMemoryOfItsFilesOnce) {
  LoopbackServer server(
      [](const SeenRequest&, Reply& reply) { reply.answer(200, {}, commit_answer()); });
  const auto request = commit_of({{"a.json", std::string(90 * kMB, 'x')}});
  const PeakMemory memory;
  EXPECT_EQ(commit(server, request), kCommit);
  EXPECT_GT(server.seen().back().body_size, 120 * kMB);
  EXPECT_LT(memory.growth_kib(), kMostGrowthKib);
}

// A storage that takes everything and keeps nothing; objects of more than 100 MB come in parts.
class SinkTest : public HubPushRepoTest {
 protected:
  static json upload_of(const json& object, const std::string& base) {
    const std::uint64_t size = object["size"];
    const std::string name = base + "/" + object["oid"].get<std::string>();
    if (size <= 100 * kMB) return {{"href", name}};
    const std::uint64_t chunk = 16 * kMB;
    json header = {{"chunk_size", std::to_string(chunk)}};
    for (std::uint64_t i = 0; i * chunk < size; ++i) {
      header[std::to_string(i + 1)] = name + "?part=" + std::to_string(i + 1);
    }
    return {{"href", name + "?complete"}, {"header", header}};
  }
  void answer(const SeenRequest& request, Reply& reply) const {
    if (request.method == "PUT") return reply.answer(200, {{"ETag", "\"e\""}}, "");
    if (request.target.ends_with("?complete")) return reply.answer(200, {}, "{}");
    json objects = json::parse(request.body)["objects"];
    for (json& object : objects) object["actions"]["upload"] = upload_of(object, base_);
    reply.answer(200, {}, json{{"objects", objects}}.dump());
  }

  std::string base_;
  LoopbackServer server_{
      [this](const SeenRequest& request, Reply& reply) { answer(request, reply); }};
};

TEST_F(SinkTest, UploadsTakeTheSameMemoryWhateverTheirSize) {
  base_ = server_.url();
  const std::vector<std::uint64_t> sizes = {200 * kMB, 50 * kMB, 49 * kMB, 48 * kMB, 47 * kMB};
  const TemporaryFile file;  // zeros, of which each object is a start
  ASSERT_EQ(::ftruncate(file.fd(), static_cast<off_t>(sizes[0])), 0);
  hub::UploadRequest request;
  request.open = [&](const hub::LfsObject&) { return hub::OpenedFile{nullptr, file.fd()}; };
  for (const auto size : sizes) {
    request.objects.push_back({hub::hash_file(file.fd(), size, hub::HashKind::kSha256, {}), size});
  }
  Client client(server_);
  const PeakMemory memory;
  for (const auto& result : client.push.upload(request, soon())) {
    EXPECT_EQ(result.state, State::kUploaded);
  }
  std::uint64_t received = 0;
  for (const SeenRequest& seen : server_.seen()) {
    if (seen.method == "PUT") received += seen.body_size;
  }
  EXPECT_EQ(received, 394 * kMB);
  EXPECT_LT(memory.growth_kib(), kMostGrowthKib);
}

}  // namespace
}  // namespace neffs::test
