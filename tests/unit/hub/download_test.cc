// Downloads by the real client from real (and really broken) servers on loopback.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "tests/unit/hub/storage_of_test.h"

namespace neffs::test {
namespace {

using hub::HubErrorKind;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kMiB = 1024UL * 1024;

TEST(Download, SmallFileCostsOneResolveAndOneTransfer) {
  StorageOfTest site(sample_bytes(300'000));
  site.expect_download();
  EXPECT_EQ(site.hub.seen().size(), 1U);
  EXPECT_EQ(site.storage.seen().size(), 1U);
  EXPECT_EQ(site.hub.seen()[0].method, "GET");
  EXPECT_EQ(site.hub.seen()[0].target, "/ada/m/resolve/" + kCommit + "/d/model.neff");
  EXPECT_EQ(site.hub.seen()[0].header("Accept-Encoding"), "identity");
}

TEST(Download, TokenGoesToTheHubOnly) {
  StorageOfTest site(sample_bytes(1000));
  site.expect_download();
  EXPECT_EQ(site.hub.seen()[0].header("Authorization"), "Bearer " + kToken);
  for (const auto& request : site.storage.seen()) EXPECT_EQ(request.header("Authorization"), "");
}

TEST(Download, LargeFileComesInRangesOfOneResolve) {
  StorageOfTest site(sample_bytes(20 * kMiB + 123));
  site.expect_download();
  EXPECT_EQ(site.hub.seen().size(), 1U);
  EXPECT_EQ(site.storage.seen().size(), 3U);
}

// --- storage that fails once -------------------------------------------------------------------------

// A fault for the first `times` storage requests.
StorageOfTest::Fault first(int times, std::function<void(const SeenRequest&, Reply&)> fault) {
  return [left = std::make_shared<std::atomic<int>>(times), fault = std::move(fault)](
             const SeenRequest& request, Reply& reply) {
    if ((*left)-- <= 0) return false;
    fault(request, reply);
    return true;
  };
}

constexpr int kAlways = 1'000'000;

// Sends the first half of what was asked, under the head of the whole.
void send_half(const SeenRequest& request, Reply& reply, const std::string& content) {
  const Span span = range_of(request, content.size());
  reply.send(head_of_range(request, content.size()));
  reply.send(std::string_view(content).substr(span.begin, (span.end - span.begin) / 2));
}

const std::string kContent = sample_bytes(200'000);

hub::HubError download_error(StorageOfTest& site, milliseconds idle = milliseconds(1'500)) {
  HubUnderTest under_test(site.hub.url());
  const TemporaryFile file;
  auto request = site.request();
  request.idle_timeout = idle;
  return error_of([&] { under_test.repo.download(request, file.fd()); });
}

TEST(Download, CutTransferIsResumedByRange) {
  StorageOfTest site(kContent, first(1, [](const SeenRequest& request, Reply& reply) {
                       send_half(request, reply, kContent);
                       reply.cut();
                     }));
  site.expect_download();
  ASSERT_EQ(site.storage.seen().size(), 2U);
  EXPECT_EQ(site.storage.seen()[1].header("Range"), "bytes=100000-199999");
  EXPECT_EQ(site.hub.seen().size(), 1U) << "the address was still good";
}

TEST(Download, StalledTransferIsResumedByRange) {
  StorageOfTest site(kContent, first(1, [](const SeenRequest& request, Reply& reply) {
                       send_half(request, reply, kContent);
                       reply.stall();
                     }));
  HubUnderTest under_test(site.hub.url());
  const TemporaryFile file;
  auto request = site.request();
  request.idle_timeout = milliseconds(2'400);
  under_test.repo.download(request, file.fd());
  EXPECT_TRUE(file.content() == kContent);
  EXPECT_EQ(site.storage.seen().at(1).header("Range"), "bytes=100000-199999");
}

TEST(Download, StallThatLastsEndsInTime) {
  StorageOfTest site(kContent,
                     first(kAlways, [](const SeenRequest&, Reply& reply) { reply.stall(); }));
  const auto begin = steady_clock::now();
  EXPECT_EQ(download_error(site, milliseconds(1'500)).kind, HubErrorKind::kUnavailable);
  EXPECT_LT(steady_clock::now() - begin, milliseconds(4'000));
  EXPECT_GE(site.storage.seen().size(), 2U) << "it was not retried";
}

TEST(Download, CorruptBytesAreFetchedAgainOnce) {
  std::string corrupt = kContent;
  corrupt[1234] = static_cast<char>(corrupt[1234] ^ 1);
  const auto serve_corrupt = [&](const SeenRequest& request, Reply& reply) {
    answer_range(request, reply, corrupt);
  };
  StorageOfTest once(kContent, first(1, serve_corrupt));
  once.expect_download();
  StorageOfTest always(kContent, first(kAlways, serve_corrupt));
  EXPECT_EQ(download_error(always).kind, HubErrorKind::kCorrupt);
  EXPECT_EQ(always.storage.seen().size(), 2U);
}

TEST(Download, ImpossibleAnswersGetOneSecondTry) {
  const std::string length = std::to_string(kContent.size());
  const std::string last = std::to_string(kContent.size() - 1);
  const std::map<std::string, std::string> heads{
      {"another range", "HTTP/1.1 206 x\r\nContent-Range: bytes 1-" + last + "/" + length},
      {"another total", "HTTP/1.1 206 x\r\nContent-Range: bytes 0-" + last + "/300000"},
      {"no range", "HTTP/1.1 206 x"},
      {"compressed",
       "HTTP/1.1 206 x\r\nContent-Encoding: gzip\r\nContent-Range: bytes 0-" + last + "/" + length},
      {"whole, but shorter", "HTTP/1.1 200 x"},
      {"beyond the end", "HTTP/1.1 416 x"},
  };
  for (const auto& [name, head] : heads) {
    const auto serve = [head = head](const SeenRequest&, Reply& reply) {
      reply.send(head + "\r\nContent-Length: 3\r\n\r\nabc");
    };
    StorageOfTest once(kContent, first(1, serve));
    once.expect_download();
    StorageOfTest always(kContent, first(kAlways, serve));
    EXPECT_EQ(download_error(always).kind, HubErrorKind::kInvalidAnswer) << name;
    EXPECT_EQ(always.storage.seen().size(), 2U) << name;
  }
}

TEST(Download, OverlongBodyIsNoticed) {
  const auto serve = [](const SeenRequest& request, Reply& reply) {
    const Span span = range_of(request, kContent.size());
    reply.send("HTTP/1.1 206 x\r\nTransfer-Encoding: chunked\r\nContent-Range: bytes " +
               std::to_string(span.begin) + "-" + std::to_string(span.end - 1) + "/200000\r\n\r\n" +
               "30d41\r\n" + kContent + "!\r\n0\r\n\r\n");
  };
  StorageOfTest once(kContent, first(1, serve));
  once.expect_download();
  StorageOfTest always(kContent, first(kAlways, serve));
  EXPECT_EQ(download_error(always).kind, HubErrorKind::kInvalidAnswer);
}

TEST(Download, StorageThatIgnoresRangesSendsTheWholeFile) {
  for (const std::size_t size : {std::size_t{200'000}, 20 * kMiB}) {
    const std::string content = sample_bytes(size);
    StorageOfTest site(content, [&](const SeenRequest&, Reply& reply) {
      reply.answer(200, {}, content);
      return true;
    });
    site.expect_download();
  }
}

TEST(Download, WholeFilesThatAreAlwaysCutEndTheDownload) {
  StorageOfTest site(kContent, [](const SeenRequest&, Reply& reply) {
    reply.send("HTTP/1.1 200 x\r\nContent-Length: 200000\r\n\r\n" + kContent.substr(0, 100'000));
    reply.cut();
    return true;
  });
  EXPECT_EQ(download_error(site, milliseconds(20'000)).kind, HubErrorKind::kUnavailable);
  EXPECT_LT(site.storage.seen().size(), 10U);
}

TEST(Download, ExpiredAddressIsAskedForAgain) {
  std::atomic<int> served{0};
  StorageOfTest site(sample_bytes(40 * kMiB), [&](const SeenRequest& request, Reply& reply) {
    // The first address is good for two pieces.
    if (request.target.find("n=1&") == std::string::npos || ++served <= 2) return false;
    reply.answer(403, {}, "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>");
    return true;
  });
  site.expect_download();
  EXPECT_EQ(site.resolved, 2);
}

TEST(Download, AddressThatIsNeverGoodEndsTheDownload) {
  StorageOfTest site(kContent, first(kAlways, [](const SeenRequest&, Reply& reply) {
                       reply.answer(403, {}, "<Error/>");
                     }));
  EXPECT_EQ(download_error(site).kind, HubErrorKind::kUnavailable);
  EXPECT_LE(site.resolved, 3);
}

TEST(Download, TiredStorageIsRetried) {
  for (const int status : {408, 429, 500, 503}) {
    StorageOfTest site(kContent, first(1, [&](const SeenRequest&, Reply& reply) {
                         reply.answer(status, {}, "");
                       }));
    site.expect_download();
    EXPECT_EQ(site.storage.seen().size(), 2U);
  }
}

TEST(Download, StorageMayRedirectButNotForEver) {
  StorageOfTest once(kContent, first(1, [](const SeenRequest& request, Reply& reply) {
                       reply.answer(302, {{"Location", request.target + "&again"}}, "");
                     }));
  once.expect_download();
  StorageOfTest always(kContent, first(kAlways, [](const SeenRequest& request, Reply& reply) {
                         reply.answer(302, {{"Location", request.target}}, "");
                       }));
  EXPECT_EQ(download_error(always).kind, HubErrorKind::kInvalidAnswer);
}

TEST(Download, TokenIsNotSentBackToTheHubByTheStorage) {
  std::string hub_url;
  StorageOfTest site(kContent, [&](const SeenRequest&, Reply& reply) {
    reply.answer(302, {{"Location", hub_url + "/stolen"}}, "");
    return true;
  });
  hub_url = site.hub.url();
  EXPECT_EQ(download_error(site).kind, HubErrorKind::kInvalidAnswer);
  for (const auto& request : site.hub.seen()) {
    if (request.target != "/stolen") continue;
    EXPECT_EQ(request.header("Authorization"), "");
  }
  EXPECT_GE(site.hub.count("/stolen"), 1U);
}

// --- a Hub that answers by itself --------------------------------------------------------------------

// A git-stored file, which the Hub serves itself, unless `answer` does something else.
class GitFile {
 public:
  explicit GitFile(LoopbackServer::Handler answer) : hub(std::move(answer)) {}

  hub::DownloadRequest request() const {
    hub::DownloadRequest request;
    request.commit = kCommit;
    request.path = "a b#c/config.json";
    request.size = content.size();
    request.content = blob_id_of(content);
    request.idle_timeout = milliseconds(1'500);
    return request;
  }
  hub::HubError error() {
    HubUnderTest under_test(hub.url());
    const TemporaryFile file;
    return error_of([&] { under_test.repo.download(request(), file.fd()); });
  }

  const std::string content = "{\"a\": 1}\n";
  LoopbackServer hub;
};

TEST(Download, GitFileFollowsTheRelativeRedirectWithTheToken) {
  const std::string content = "{\"a\": 1}\n";
  GitFile file([&](const SeenRequest& request, Reply& reply) {
    if (request.target == "/ada/m/resolve/" + kCommit + "/a%20b%23c/config.json") {
      return reply.answer(307, {{"Location", "/api/resolve-cache/x?etag=1"}}, "moved");
    }
    answer_range(request, reply, content);
  });
  HubUnderTest under_test(file.hub.url());
  const TemporaryFile target;
  std::uint64_t progress = 0;
  auto request = file.request();
  request.on_progress = [&](std::uint64_t bytes) { progress = bytes; };
  under_test.repo.download(request, target.fd());
  EXPECT_EQ(target.content(), content);
  EXPECT_EQ(progress, content.size());
  ASSERT_EQ(file.hub.seen().size(), 2U);
  EXPECT_EQ(file.hub.seen()[1].header("Authorization"), "Bearer " + kToken);
}

TEST(Download, HubsRefusalsKeepTheirMeaning) {
  struct Row {
    int status;
    hub::Headers headers;
    HubErrorKind kind;
  };
  for (const Row& row : {
           Row{404, {{"X-Error-Code", "EntryNotFound"}}, HubErrorKind::kEntryNotFound},
           Row{404, {{"X-Error-Code", "RepoNotFound"}}, HubErrorKind::kRepoNotFound},
           Row{403, {{"X-Error-Code", "GatedRepo"}}, HubErrorKind::kGated},
           Row{403, {}, HubErrorKind::kForbidden},
           Row{401, {}, HubErrorKind::kUnauthorized},
           Row{416, {}, HubErrorKind::kInvalidAnswer},
           Row{503, {}, HubErrorKind::kUnavailable},
           Row{429, {{"Retry-After", "100"}}, HubErrorKind::kThrottled},
           Row{302, {{"Location", "ftp://h/x"}}, HubErrorKind::kInvalidAnswer},
           Row{302, {}, HubErrorKind::kInvalidAnswer},
           Row{307, {{"Location", "/again"}}, HubErrorKind::kInvalidAnswer},
       }) {
    GitFile file(
        [&](const SeenRequest&, Reply& reply) { reply.answer(row.status, row.headers, ""); });
    const auto error = file.error();
    EXPECT_EQ(error.kind, row.kind) << row.status << " " << error.what();
    EXPECT_LT(file.hub.seen().size(), 12U);
  }
}

TEST(Download, ShortThrottleIsWaitedFor) {
  std::atomic<int> asked{0};
  GitFile file([&](const SeenRequest& request, Reply& reply) {
    if (++asked == 1) return reply.answer(429, {{"Retry-After", "0"}}, "");
    answer_range(request, reply, "{\"a\": 1}\n");
  });
  HubUnderTest under_test(file.hub.url());
  const TemporaryFile target;
  auto request = file.request();
  request.idle_timeout = milliseconds(10'000);
  under_test.repo.download(request, target.fd());
  EXPECT_EQ(asked, 2);
}

TEST(Download, CaptivePortalIsNoContent) {
  GitFile file([](const SeenRequest&, Reply& reply) {
    reply.answer(200, {{"Content-Type", "text/html"}}, "<html>Please log in</html>");
  });
  EXPECT_EQ(file.error().kind, HubErrorKind::kInvalidAnswer);
}

TEST(Download, LinkToOtherContentIsRefusedBeforeItIsFetched) {
  LoopbackServer storage([](const SeenRequest&, Reply& reply) { reply.answer(200, {}, "x"); });
  GitFile file([&](const SeenRequest&, Reply& reply) {
    reply.answer(302, {{"Location", storage.url() + "/x"}, {"X-Linked-Size", "77"}}, "");
  });
  EXPECT_EQ(file.error().kind, HubErrorKind::kCorrupt);
  EXPECT_EQ(storage.seen().size(), 0U);
}

TEST(Download, RenewedTokenIsTriedAfter401) {
  const std::string token_file = ::testing::TempDir() + "neffs-download-token";
  std::ofstream(token_file) << "hf_old";
  GitFile file([&](const SeenRequest& request, Reply& reply) {
    if (request.header("Authorization") == "Bearer hf_new") {
      return answer_range(request, reply, "{\"a\": 1}\n");
    }
    std::ofstream(token_file) << "hf_new";
    reply.answer(401, {}, "");
  });
  HubUnderTest under_test(file.hub.url(), {{"HF_TOKEN_PATH", token_file}});
  const TemporaryFile target;
  under_test.repo.download(file.request(), target.fd());
  EXPECT_EQ(file.hub.seen().size(), 2U);
  std::filesystem::remove(token_file);
}

// --- without a server's help -------------------------------------------------------------------------

TEST(Download, EmptyFileCostsNoRequest) {
  GitFile file([](const SeenRequest&, Reply& reply) { reply.answer(500, {}, ""); });
  HubUnderTest under_test(file.hub.url());
  const TemporaryFile target;
  auto request = file.request();
  request.size = 0;
  request.content = hub::empty_content_id();
  under_test.repo.download(request, target.fd());
  EXPECT_EQ(target.content(), "");
  request.content = sha256_of("something");
  EXPECT_EQ(error_of([&] { under_test.repo.download(request, target.fd()); }).kind,
            HubErrorKind::kCorrupt);
  EXPECT_EQ(file.hub.seen().size(), 0U);
}

TEST(Download, HostilePathIsNotAskedFor) {
  GitFile file([](const SeenRequest&, Reply& reply) { reply.answer(500, {}, ""); });
  HubUnderTest under_test(file.hub.url());
  const TemporaryFile target;
  for (const char* path : {"../../api/whoami-v2", "a/./b", "a//b", "", "a/.."}) {
    auto request = file.request();
    request.path = path;
    EXPECT_EQ(error_of([&] { under_test.repo.download(request, target.fd()); }).kind,
              HubErrorKind::kInvalidAnswer)
        << path;
  }
  EXPECT_EQ(file.hub.seen().size(), 0U);
}

TEST(Download, FullDiskIsFoundBeforeTheTransfer) {
  GitFile file([](const SeenRequest&, Reply& reply) { reply.answer(500, {}, ""); });
  HubUnderTest under_test(file.hub.url());
  const TemporaryFile target;
  auto request = file.request();
  request.size = std::uint64_t{1} << 60U;
  const auto error = error_of([&] { under_test.repo.download(request, target.fd()); });
  EXPECT_EQ(error.kind, HubErrorKind::kLocal);
  EXPECT_TRUE(error.local_errno == ENOSPC || error.local_errno == EFBIG) << error.local_errno;
  EXPECT_EQ(file.hub.seen().size(), 0U);
}

TEST(Download, OfflineAsksNobody) {
  GitFile file([](const SeenRequest&, Reply& reply) { reply.answer(500, {}, ""); });
  hub::HubClient::Options options;
  options.offline = true;
  HubUnderTest under_test(file.hub.url(), {}, options);
  const TemporaryFile target;
  EXPECT_EQ(error_of([&] { under_test.repo.download(file.request(), target.fd()); }).kind,
            HubErrorKind::kOffline);
  EXPECT_EQ(file.hub.seen().size(), 0U);
}

TEST(Download, StopAndShutdownEndItAtOnce) {
  for (const bool by_token : {true, false}) {
    StorageOfTest site(kContent,
                       first(kAlways, [](const SeenRequest&, Reply& reply) { reply.stall(); }));
    HubUnderTest under_test(site.hub.url());
    std::stop_source stop;
    auto download = std::async(std::launch::async, [&] {
      const TemporaryFile file;
      auto request = site.request();
      request.stop = stop.get_token();
      return error_of([&] { under_test.repo.download(request, file.fd()); }).kind;
    });
    ASSERT_TRUE(site.storage.wait_for(1));
    const auto begin = steady_clock::now();
    if (by_token) {
      stop.request_stop();
    } else {
      under_test.http.shutdown();
    }
    EXPECT_EQ(download.get(), HubErrorKind::kCancelled);
    EXPECT_LT(steady_clock::now() - begin, milliseconds(1'000));
  }
}

}  // namespace
}  // namespace neffs::test
