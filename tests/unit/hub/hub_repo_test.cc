// HubRepo against a Hub of the test's own making: info, head, listings, starts of files.
#include "hub/hub_repo.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/hub/hub_under_test.h"
#include "tests/unit/hub/loopback_server.h"

namespace neffs::test {
namespace {

using hub::Headers;
using hub::HubErrorKind;
using hub::ListDepth;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::string info_json(const std::string& id) {
  return R"({"id":")" + id + R"(","sha":")" + kCommit + R"(","private":false})";
}

std::string file_json(const std::string& path) {
  return R"({"type":"file","oid":"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391","size":0,"path":")" +
         path + "\"}";
}

steady_clock::time_point soon() {
  return steady_clock::now() + std::chrono::seconds(20);
}

TEST(HubRepo, InfoIsOneRequest) {
  LoopbackServer server(
      [](const SeenRequest&, Reply& reply) { reply.answer(200, {}, info_json("ada/m")); });
  HubUnderTest hub(server.url() + "/");
  EXPECT_EQ(hub.repo.info().commit, kCommit);
  ASSERT_EQ(server.seen().size(), 1U);
  const auto request = server.seen()[0];
  EXPECT_TRUE(request.target.starts_with("/api/models/ada/m/revision/main?expand=sha"));
  EXPECT_EQ(request.header("Authorization"), "Bearer " + kToken);
  EXPECT_EQ(request.header("X-Amzn-Trace-Id").size(), 36U);
}

TEST(HubRepo, RenamedRepoIsFollowedAndItsNewNameLearned) {
  LoopbackServer server([](const SeenRequest& request, Reply& reply) {
    if (request.target.starts_with("/api/models/ada/m/revision/")) {
      return reply.answer(307, {{"Location", "/api/models/new/name" + request.target.substr(17)}},
                          "");
    }
    reply.answer(200, {},
                 request.target.find("/tree/") == std::string::npos ? info_json("new/name") : "[]");
  });
  HubUnderTest hub(server.url());
  EXPECT_EQ(hub.repo.info().id, "new/name");
  EXPECT_EQ(server.seen()[1].header("Authorization"), "Bearer " + kToken);
  hub.repo.list(kCommit, "", ListDepth::kChildren, soon());
  EXPECT_TRUE(server.seen()[2].target.starts_with("/api/models/new/name/tree/" + kCommit + "?"));
}

TEST(HubRepo, ApiIsNeverFollowedToAnotherHost) {
  LoopbackServer other(
      [](const SeenRequest&, Reply& reply) { reply.answer(200, {}, info_json("ada/m")); });
  LoopbackServer server([&](const SeenRequest&, Reply& reply) {
    reply.answer(302, {{"Location", other.url() + "/login"}}, "");
  });
  HubUnderTest hub(server.url());
  EXPECT_EQ(error_of([&] { hub.repo.info(); }).kind, HubErrorKind::kInvalidAnswer);
  EXPECT_EQ(other.seen().size(), 0U);
}

TEST(HubRepo, RedirectLoopEnds) {
  LoopbackServer server([&](const SeenRequest& request, Reply& reply) {
    reply.answer(307, {{"Location", request.target}}, "");
  });
  HubUnderTest hub(server.url());
  EXPECT_EQ(error_of([&] { hub.repo.info(); }).kind, HubErrorKind::kInvalidAnswer);
  EXPECT_LT(server.seen().size(), 10U);
}

TEST(HubRepo, RevisionIsOneSegment) {
  LoopbackServer server(
      [](const SeenRequest&, Reply& reply) { reply.answer(200, {}, info_json("ada/m")); });
  HubUnderTest hub(server.url());
  hub::HubRepo(hub.client, "ada/m", "refs/pr/1").info();
  EXPECT_EQ(server.count("/revision/refs%2Fpr%2F1?"), 1U);
}

TEST(HubRepo, HeadReadsTheCommitFromAnyAnswer) {
  for (const int status : {200, 302, 307, 403, 404}) {
    LoopbackServer server([&](const SeenRequest&, Reply& reply) {
      reply.answer(status, {{"X-Repo-Commit", kCommit}, {"Location", "/x"}}, "");
    });
    HubUnderTest hub(server.url());
    EXPECT_EQ(hub.repo.head(), kCommit) << status;
    ASSERT_EQ(server.seen().size(), 1U);
    EXPECT_EQ(server.seen()[0].method, "HEAD");
    EXPECT_EQ(server.seen()[0].target, "/ada/m/resolve/main/.gitattributes");
  }
}

TEST(HubRepo, HeadFollowsARedirectThatDoesNotNameTheCommit) {
  LoopbackServer server([&](const SeenRequest& request, Reply& reply) {
    if (request.target.starts_with("/ada/m/resolve/")) {
      return reply.answer(307, {{"Location", "/api/resolve-cache/models/ada/m/x"}}, "");
    }
    reply.answer(200, {{"X-Repo-Commit", kCommit}}, "");
  });
  HubUnderTest hub(server.url());
  EXPECT_EQ(hub.repo.head(), kCommit);
}

TEST(HubRepo, HeadErrors) {
  struct Row {
    int status;
    Headers headers;
    HubErrorKind kind;
  };
  for (const Row& row : {
           Row{200, {}, HubErrorKind::kInvalidAnswer},
           Row{200, {{"X-Repo-Commit", "main"}}, HubErrorKind::kInvalidAnswer},
           Row{302, {{"Location", "http://127.0.0.1:1/"}}, HubErrorKind::kInvalidAnswer},
           Row{404, {{"X-Error-Code", "RevisionNotFound"}}, HubErrorKind::kRevisionNotFound},
           Row{404, {{"X-Error-Code", "RepoNotFound"}}, HubErrorKind::kRepoNotFound},
           Row{401,
               {{"X-Error-Message", "Invalid credentials in Authorization header"}},
               HubErrorKind::kUnauthorized},
       }) {
    LoopbackServer server(
        [&](const SeenRequest&, Reply& reply) { reply.answer(row.status, row.headers, ""); });
    HubUnderTest hub(server.url());
    EXPECT_EQ(error_of([&] { hub.repo.head(); }).kind, row.kind) << row.status;
  }
}

TEST(HubRepo, ListReadsAllPages) {
  LoopbackServer server([&](const SeenRequest& request, Reply& reply) {
    if (request.target.find("cursor") == std::string::npos) {
      // The Hub writes its public address, also when it is reached by another one.
      return reply.answer(200,
                          {{"Link",
                            "<https://huggingface.co/api/models/ada/m/tree/x?cursor=2>; "
                            "rel=\"next\""}},
                          "[" + file_json("d e/a") + "]");
    }
    reply.answer(200, {}, "[" + file_json("d e/b") + "]");
  });
  HubUnderTest hub(server.url());
  const auto entries = hub.repo.list(kCommit, "d e", ListDepth::kChildren, soon());
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 2U);
  EXPECT_EQ((*entries)[1].path, "b");
  EXPECT_EQ(server.seen()[0].target,
            "/api/models/ada/m/tree/" + kCommit + "/d%20e?recursive=false&expand=false&limit=1000");
  EXPECT_EQ(server.seen()[1].header("Authorization"), "Bearer " + kToken);
}

TEST(HubRepo, MissingDirectoryIsAnAnswerAndMissingRepoIsNot) {
  const char* code = "EntryNotFound";
  LoopbackServer server([&](const SeenRequest&, Reply& reply) {
    reply.answer(404, {{"X-Error-Code", code}}, "");
  });
  HubUnderTest hub(server.url());
  const auto list = [&] { return hub.repo.list(kCommit, "d", ListDepth::kEverything, soon()); };
  EXPECT_FALSE(list());
  EXPECT_EQ(server.count("recursive=true"), 1U);
  code = "RepoNotFound";
  EXPECT_EQ(error_of(list).kind, HubErrorKind::kRepoNotFound);
  code = "";
  EXPECT_EQ(error_of(list).kind, HubErrorKind::kInvalidAnswer) << "a 404 of nobody knows whom";
}

TEST(HubRepo, ListRefusesWhatNeverEndsOrLeadsAway) {
  LoopbackServer other([](const SeenRequest&, Reply& reply) { reply.answer(200, {}, "[]"); });
  int page = 0;
  const std::map<std::string, std::function<std::string()>> links{
      {"the same page again", [] { return "/api/models/ada/m/tree/x?cursor=1"; }},
      {"always another page",
       [&] { return "/api/models/ada/m/tree/x?cursor=" + std::to_string(++page); }},
      {"another host", [&] { return other.url() + "/x"; }},
      {"no address", [] { return "ftp://h/x"; }},
  };
  for (const auto& [name, link] : links) {
    LoopbackServer server([&link = link](const SeenRequest&, Reply& reply) {
      reply.answer(200, {{"Link", "<" + link() + ">; rel=\"next\""}}, "[]");
    });
    HubUnderTest hub(server.url());
    const auto error = error_of([&] { hub.repo.list(kCommit, "", ListDepth::kChildren, soon()); });
    EXPECT_EQ(error.kind, HubErrorKind::kInvalidAnswer) << name;
  }
  EXPECT_EQ(other.seen().size(), 0U);
}

TEST(HubRepo, CaptivePortalIsNoListing) {
  LoopbackServer server([](const SeenRequest&, Reply& reply) {
    reply.answer(200, {{"Content-Type", "text/html"}}, "<html>Please log in</html>");
  });
  HubUnderTest hub(server.url());
  const auto error = error_of([&] { hub.repo.list(kCommit, "", ListDepth::kChildren, soon()); });
  EXPECT_EQ(error.kind, HubErrorKind::kInvalidAnswer);
  EXPECT_EQ(std::string(error.what()).find("<html>"), std::string::npos);
  EXPECT_EQ(error_of([&] { hub.repo.info(); }).kind, HubErrorKind::kInvalidAnswer);
}

TEST(HubRepo, TransientFailuresAreRetried) {
  for (const int status : {408, 429, 500, 502, 503, 504, 0}) {
    std::atomic<int> asked{0};
    LoopbackServer server([&](const SeenRequest&, Reply& reply) {
      if (++asked > 1) return reply.answer(200, {}, info_json("ada/m"));
      if (status == 0) return reply.cut();
      reply.answer(status, {}, "<html>");
    });
    HubUnderTest hub(server.url());
    EXPECT_EQ(hub.repo.info().commit, kCommit) << status;
    EXPECT_EQ(asked, 2) << status;
  }
}

TEST(HubRepo, DeadlineHoldsOverRetriesAndStalls) {
  for (const bool stalls : {true, false}) {
    LoopbackServer server([&](const SeenRequest&, Reply& reply) {
      if (stalls) return reply.stall();
      reply.answer(503, {}, "");
    });
    HubUnderTest hub(server.url());
    const auto begin = steady_clock::now();
    const auto error = error_of(
        [&] { hub.repo.list(kCommit, "", ListDepth::kChildren, begin + milliseconds(300)); });
    EXPECT_EQ(error.kind, HubErrorKind::kUnavailable);
    EXPECT_LT(steady_clock::now() - begin, milliseconds(2'000));
  }
}

TEST(HubRepo, NothingIsAskedAfterTheDeadline) {
  LoopbackServer server([](const SeenRequest&, Reply& reply) { reply.answer(200, {}, "[]"); });
  HubUnderTest hub(server.url());
  const auto error =
      error_of([&] { hub.repo.list(kCommit, "", ListDepth::kChildren, steady_clock::now()); });
  EXPECT_EQ(error.kind, HubErrorKind::kUnavailable);
  EXPECT_EQ(server.seen().size(), 0U);
}

TEST(HubRepo, RenewedTokenIsTriedOnceAfter401) {
  const std::string file = ::testing::TempDir() + "neffs-renewed-token";
  std::ofstream(file) << "hf_old";
  LoopbackServer server([&](const SeenRequest& request, Reply& reply) {
    if (request.header("Authorization") == "Bearer hf_new") {
      return reply.answer(200, {}, info_json("ada/m"));
    }
    std::ofstream(file) << "hf_new";
    reply.answer(401, {}, R"({"error":"Invalid credentials in Authorization header"})");
  });
  HubUnderTest hub(server.url(), {{"HF_TOKEN_PATH", file}});
  EXPECT_EQ(hub.repo.info().commit, kCommit);
  EXPECT_EQ(server.seen().size(), 2U);
  std::filesystem::remove(file);
}

TEST(HubRepo, RefusedTokenIsNotHammeredWith) {
  LoopbackServer server([](const SeenRequest&, Reply& reply) {
    reply.answer(401, {{"X-Error-Message", "Invalid credentials in Authorization header"}}, "");
  });
  HubUnderTest hub(server.url());
  EXPECT_EQ(error_of([&] { hub.repo.info(); }).kind, HubErrorKind::kUnauthorized);
  EXPECT_EQ(server.seen().size(), 1U);
}

TEST(HubRepo, UsedUpRateLimitIsNotAskedAgain) {
  LoopbackServer server([](const SeenRequest&, Reply& reply) {
    reply.answer(200, {{"RateLimit", "\"api\";r=0;t=100"}}, info_json("ada/m"));
  });
  HubUnderTest hub(server.url());
  hub.repo.info();
  const auto error = error_of([&] { hub.repo.info(); });
  EXPECT_EQ(error.kind, HubErrorKind::kThrottled);
  EXPECT_GT(error.retry_after, std::chrono::seconds(90));
  EXPECT_EQ(server.seen().size(), 1U);
}

TEST(HubRepo, LongThrottleIsNotWaitedFor) {
  LoopbackServer server([](const SeenRequest&, Reply& reply) {
    reply.answer(429, {{"RateLimit", "\"api\";r=7;t=1"}}, "");
  });
  HubUnderTest hub(server.url());
  const auto error = error_of([&] { hub.repo.info(); });
  EXPECT_EQ(error.kind, HubErrorKind::kThrottled);
  EXPECT_EQ(error.retry_after, std::chrono::seconds(60));
  EXPECT_EQ(server.seen().size(), 1U);
}

TEST(HubRepo, OfflineAsksNobody) {
  LoopbackServer server([](const SeenRequest&, Reply& reply) { reply.answer(200, {}, ""); });
  hub::HubClient::Options options;
  options.offline = true;
  HubUnderTest hub(server.url(), {}, options);
  EXPECT_EQ(error_of([&] { hub.repo.info(); }).kind, HubErrorKind::kOffline);
  EXPECT_EQ(error_of([&] { hub.repo.head(); }).kind, HubErrorKind::kOffline);
  EXPECT_EQ(error_of([&] { hub.repo.list(kCommit, "", ListDepth::kChildren, soon()); }).kind,
            HubErrorKind::kOffline);
  EXPECT_EQ(server.seen().size(), 0U);
}

TEST(HubRepo, EndpointMustBeAnAddress) {
  EXPECT_EQ(error_of([] { HubUnderTest hub("huggingface.co"); }).kind, HubErrorKind::kLocal);
}

TEST(HubRepo, EndpointMayHaveAPrefix) {
  LoopbackServer server(
      [](const SeenRequest&, Reply& reply) { reply.answer(200, {}, info_json("ada/m")); });
  HubUnderTest hub(server.url() + "/mirror/");
  hub.repo.info();
  EXPECT_EQ(server.count("/mirror/api/models/ada/m/"), 1U);
}

TEST(HubRepo, ReadsTheStartOfAFileFromTheHubOrItsStorage) {
  const std::string content = sample_bytes(5000);
  const auto serve = [&](const SeenRequest& request, Reply& reply) {
    if (request.header("Range") != "bytes=0-511") return reply.answer(400, {}, "");
    reply.answer(206, {{"Content-Range", "bytes 0-511/5000"}}, content.substr(0, 512));
  };
  LoopbackServer storage(serve);
  LoopbackServer server([&](const SeenRequest& request, Reply& reply) {
    if (request.target.ends_with("/lfs")) {
      return reply.answer(302, {{"Location", storage.url() + "/x?Signature=1"}}, "");
    }
    if (request.target.ends_with("/whole")) return reply.answer(200, {}, content);
    if (request.target.ends_with("/short")) return reply.answer(200, {}, "abc");
    if (request.target.ends_with("/empty")) return reply.answer(416, {}, "");
    if (request.target.ends_with("/moved")) return reply.answer(307, {{"Location", "/cache"}}, "");
    serve(request, reply);
  });
  HubUnderTest hub(server.url());
  const auto start = [&](const char* path) {
    return hub.repo.read_start(kCommit, path, 512, soon());
  };
  EXPECT_EQ(start("git"), content.substr(0, 512));
  EXPECT_EQ(start("lfs"), content.substr(0, 512));
  EXPECT_EQ(start("whole"), content.substr(0, 512));
  EXPECT_EQ(start("moved"), content.substr(0, 512));
  EXPECT_EQ(start("short"), "abc");
  EXPECT_EQ(start("empty"), "");
  EXPECT_EQ(storage.seen().at(0).header("Authorization"), "");
  EXPECT_EQ(error_of([&] { start("../../api/whoami-v2"); }).kind, HubErrorKind::kInvalidAnswer);
}

}  // namespace
}  // namespace neffs::test
