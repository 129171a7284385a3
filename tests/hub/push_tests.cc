// What a writer learns of a repo before it commits: access, creation, plans, recent commits.
#include <algorithm>

#include "tests/eventually.h"
#include "tests/hub/push_fixture.h"

namespace neffs::test {
namespace {

using hub::HubErrorKind;
using hub::StorageKind;
using std::chrono::milliseconds;
using std::chrono::seconds;

class AccessTest : public PushTest {
 protected:
  std::optional<HubErrorKind> refusal(const std::string& token, const std::string& repo,
                                      const std::string& branch = "main") {
    HubUnderTest other(hub_.endpoint(), {{"HF_TOKEN", token}});
    access_ = hub::HubPushRepo(other.client, repo, branch).access(soon());
    if (access_.refusal) check_error_text(*access_.refusal);
    return access_.refusal ? std::optional(access_.refusal->kind) : std::nullopt;
  }

  hub::PushAccess access_;
};

TEST_F(AccessTest, AWriterMayWriteAPrivateRepo) {
  const auto access = push_.access(soon());
  EXPECT_TRUE(access.may_write());
  EXPECT_TRUE(access.exists);
  EXPECT_TRUE(access.is_private);
  EXPECT_FALSE(access.is_gated);
  EXPECT_EQ(access.id, "team/cache");
  EXPECT_EQ(access.head, repo_.head());
}

TEST_F(AccessTest, EveryDefiniteNoIsAValue) {
  hub_.create_repo("team/public");
  hub_.create_repo("team/gated", {.is_gated = true});
  hub_.create_repo("team/off", {.is_disabled = true});
  repo_.set_ref("refs/tags/v1", "main");
  hub_.add_token("hf_reader", {.user = "bob", .roles = {{"team/cache", Role::kRead}}});
  hub_.add_token("hf_everywhere", {.user = "eve", .elsewhere = Role::kWrite});

  struct Row {
    const char* name;
    std::string token;
    std::string repo;
    std::string branch;
    std::optional<HubErrorKind> refusal;
    bool exists;
  };
  for (const Row& row : {
           Row{"reader", "hf_reader", "team/cache", "main", HubErrorKind::kForbidden, true},
           Row{"public", "hf_reader", "team/public", "main", HubErrorKind::kForbidden, true},
           Row{"anonymous", "", "team/public", "main", HubErrorKind::kUnauthorized, true},
           Row{"anonymous, private", "", "team/cache", "main", HubErrorKind::kRepoNotFound, false},
           Row{"missing", kToken, "team/none", "main", HubErrorKind::kRepoNotFound, false},
           Row{"bad token", "hf_wrong", "team/cache", "main", HubErrorKind::kUnauthorized, false},
           Row{"disabled", "hf_everywhere", "team/off", "main", HubErrorKind::kDisabled, true},
           Row{"no branch", kToken, "team/cache", "dev", HubErrorKind::kRevisionNotFound, true},
           Row{"tag", kToken, "team/cache", "v1", HubErrorKind::kRevisionNotFound, true},
           Row{"commit", kToken, "team/cache", repo_.head(), HubErrorKind::kRevisionNotFound, true},
           Row{"gated, writer", "hf_everywhere", "team/gated", "main", std::nullopt, true},
       }) {
    EXPECT_EQ(refusal(row.token, row.repo, row.branch), row.refusal) << row.name;
    EXPECT_EQ(access_.exists, row.exists) << row.name;
    EXPECT_EQ(access_.is_private, row.exists && row.repo == "team/cache") << row.name;
  }
  EXPECT_TRUE(access_.is_gated);
}

TEST_F(AccessTest, AnUnclearAnswerIsThrownWhereverItComes) {
  const std::pair<const char*, Fault> faults[] = {
      {"500", Fault::answer(500)},
      {"504 of a proxy", Fault::html(504)},
      {"404 of a proxy", Fault::html(404)},
      {"403 of nobody", Fault::hang_up()},
      {"throttled", Fault::answer(429, "", {{"Retry-After", "100"}})},
  };
  for (const Kind kind : {Kind::kInfo, Kind::kRefs, Kind::kAuthCheck}) {
    for (const auto& [name, fault] : faults) {
      HubUnderTest other(hub_.endpoint());
      hub::HubPushRepo push(other.client, "team/cache", "main");
      const int rule = hub_.faults().add({.kind = kind}, fault);
      const auto error = error_of([&] { push.access(within(milliseconds(400))); });
      EXPECT_FALSE(hub::is_definite(error.kind)) << name << ": " << error.what();
      EXPECT_GT(hub_.faults().struck(rule), 0U);
      hub_.faults().clear();
    }
  }
}

TEST_F(AccessTest, WithoutTheHubEverythingStaysOpen) {
  hub_.stop();
  EXPECT_EQ(error_of([&] { push_.access(within(milliseconds(400))); }).kind,
            HubErrorKind::kUnavailable);
  HubUnderTest offline(hub_.endpoint(), {{"HF_TOKEN", kToken}}, {.offline = true});
  hub::HubPushRepo push(offline.client, "team/cache", "main");
  EXPECT_EQ(error_of([&] { push.access(soon()); }).kind, HubErrorKind::kOffline);
}

TEST_F(AccessTest, ARenamedRepoIsWrittenUnderItsNewName) {
  hub_.rename_repo("team/cache", "team/renamed");
  hub_.add_token(kToken, {.user = "ada", .roles = {{"team/renamed", Role::kWrite}}});
  EXPECT_EQ(push_.access(soon()).id, "team/renamed");
  push_.commit(small_commit(), soon());
  EXPECT_EQ(hub_.traffic().count({.kind = Kind::kCommit, .text = "team/renamed"}), 1U);
  EXPECT_EQ(bytes_at("a.json"), "{}");
}

class CreateTest : public PushTest {
 protected:
  hub::HubPushRepo fresh_{client_.client, "team/fresh", "main"};
};

TEST_F(CreateTest, MakesPrivateAndPublicRepos) {
  fresh_.create(hub::Visibility::kPrivate, soon());
  EXPECT_TRUE(hub_.repo("team/fresh").settings().is_private);
  EXPECT_TRUE(fresh_.access(soon()).may_write());
  hub::HubPushRepo open(client_.client, "ada/open", "main");
  open.create(hub::Visibility::kPublic, soon());
  EXPECT_FALSE(hub_.repo("ada/open").settings().is_private);
}

TEST_F(CreateTest, LeavesAnExistingRepoAsItIs) {
  hub_.create_repo("team/fresh", {.is_private = false});
  fresh_.create(hub::Visibility::kPrivate, soon());
  EXPECT_FALSE(hub_.repo("team/fresh").settings().is_private);
}

TEST_F(CreateTest, TriesAgainWhatMayHaveWorked) {
  hub_.faults().add({.kind = Kind::kCreateRepo}, Fault::answer(502).after(), 1);
  fresh_.create(hub::Visibility::kPrivate, soon());
  EXPECT_TRUE(hub_.repo("team/fresh").settings().is_private);
}

TEST_F(CreateTest, WaitsForAnotherCreation) {
  const int rule = hub_.faults().add(
      {.kind = Kind::kCreateRepo},
      Fault::answer(
          409, R"({"error":"Cannot create repo: another conflicting operation is in progress"})"),
      1);
  fresh_.create(hub::Visibility::kPrivate, soon());
  EXPECT_EQ(hub_.faults().struck(rule), 1U);
  EXPECT_TRUE(hub_.repo("team/fresh").settings().is_private);
}

TEST_F(CreateTest, FailsWithoutTheRight) {
  hub::HubPushRepo foreign(client_.client, "others/cache", "main");
  const auto create = [&] { foreign.create(hub::Visibility::kPrivate, soon()); };
  EXPECT_EQ(error_of(create).kind, HubErrorKind::kForbidden);
  hub_.revoke_token(kToken);
  EXPECT_EQ(error_of(create).kind, HubErrorKind::kUnauthorized);
}

class PlanTest : public PushTest {
 protected:
  static hub::PushFile file(const std::string& path, const std::string& bytes) {
    return {path, bytes.size(), bytes.substr(0, hub::kSampleBytes)};
  }
  static std::vector<hub::PushFile> many() {
    std::vector<hub::PushFile> files;
    files.reserve(600);
    for (int i = 0; i < 600; ++i) files.push_back(file("d/" + std::to_string(i), "text"));
    return files;
  }

  const std::string binary_ = sample_bytes(100'000);
};

TEST_F(PlanTest, TheHubDecidesAndSaysWhatItHas) {
  repo_.commit({{"old.json", "{\"v\":1}"}, {"old.neff", binary_}, {".gitignore", "*.tmp\n"}});
  const auto plan =
      push_.plan({file("new.neff", binary_), file("new.json", "{}"), file("old.json", "{}"),
                  file("old.neff", binary_), file("x.tmp", "x"), file("empty.neff", "")},
                 soon());
  ASSERT_EQ(plan.files.size(), 6U);
  EXPECT_EQ(plan.files[0].storage, StorageKind::kLfs);
  EXPECT_FALSE(plan.files[0].current);
  EXPECT_EQ(plan.files[1].storage, StorageKind::kRegular);
  EXPECT_EQ(plan.files[2].current, blob_id_of("{\"v\":1}"));
  EXPECT_EQ(plan.files[3].current, sha256_of(binary_));
  EXPECT_EQ(plan.files[4].storage, StorageKind::kIgnored);
  EXPECT_EQ(plan.files[5].storage, StorageKind::kRegular);
  EXPECT_EQ(plan.head, repo_.head());
}

TEST_F(PlanTest, ManyFilesAreAskedForInTheHubsPortions) {
  repo_.commit({{"d/599", "there"}});
  const auto plan = push_.plan(many(), soon());
  EXPECT_EQ(plan.files.size(), 600U);
  EXPECT_EQ(plan.files[599].current, blob_id_of("there"));
  EXPECT_EQ(plan.head, repo_.head());
  EXPECT_EQ(hub_.traffic().count(Kind::kPreupload), 3U);
  EXPECT_TRUE(push_.plan({}, soon()).files.empty());
  EXPECT_EQ(hub_.traffic().count(Kind::kPreupload), 3U) << "nothing to ask";
}

TEST_F(PlanTest, NoHeadIsNamedIfItMovedMeanwhile) {
  const Gate gate = hub_.hold({.kind = Kind::kPreupload});
  auto plan = in_background([&] { return push_.plan(many(), soon()); });
  ASSERT_TRUE(gate.wait_held(3));
  gate.let_pass(1);
  ASSERT_TRUE(eventually([&] {
    const auto log = hub_.traffic().log({.kind = Kind::kPreupload});
    return std::any_of(log.begin(), log.end(),
                       [](const auto& request) { return request.status != 0; });
  }));
  repo_.commit({{"other", "x"}});
  gate.let_pass(2);
  EXPECT_FALSE(plan.get().head);
}

TEST_F(PlanTest, IsTriedAgainAndFailsAsTheHubSays) {
  const auto plan = [&] { return push_.plan({file("a", "x")}, soon()); };
  hub_.faults().add({.kind = Kind::kPreupload}, Fault::answer(503), 1);
  hub_.faults().add({.kind = Kind::kPreupload}, Fault::hang_up(), 1);
  EXPECT_EQ(plan().files.size(), 1U);
  hub_.faults().add({.kind = Kind::kPreupload}, Fault::invalid_json(), 1);
  EXPECT_EQ(error_of(plan).kind, HubErrorKind::kInvalidAnswer);
  hub::HubPushRepo elsewhere(client_.client, "team/cache", "dev");
  EXPECT_EQ(error_of([&] { elsewhere.plan({file("a", "x")}, soon()); }).kind,
            HubErrorKind::kRevisionNotFound);
  const auto bad_path = error_of([&] { push_.plan({file("a/../b", "x")}, soon()); });
  EXPECT_EQ(bad_path.kind, HubErrorKind::kRefused);
}

class RecentCommitsTest : public PushTest {
 protected:
  std::vector<hub::PastCommit> recent(seconds ago) {
    return push_.recent_commits(std::chrono::sys_seconds(seconds(hub_.now()) - ago), soon());
  }
};

TEST_F(RecentCommitsTest, EverybodysOfTheLastHour) {
  hub_.advance_clock(seconds(7200));
  CommitOptions theirs;
  theirs.message = "Theirs";
  theirs.author = "B <b@example.com>";
  std::string last;
  for (const char* name : {"a", "b", "c"}) last = repo_.commit({{name, "x"}}, {}, theirs);
  const auto commits = recent(seconds(3600));
  ASSERT_EQ(commits.size(), 3U);
  EXPECT_EQ(commits[0].id, last);
  EXPECT_EQ(commits[0].title, "Theirs");
  hub_.advance_clock(seconds(7200));
  EXPECT_TRUE(recent(seconds(3600)).empty());
}

TEST_F(RecentCommitsTest, TurnsPagesUntilOneIsOlder) {
  hub_.advance_clock(seconds(7200));
  for (int i = 0; i < 120; ++i) repo_.commit({{"f" + std::to_string(i), "x"}});
  hub_.traffic().reset();
  EXPECT_EQ(recent(seconds(3600)).size(), 120U);
  EXPECT_EQ(hub_.traffic().count(Kind::kCommits), 3U);
  hub_.advance_clock(seconds(7200));
  repo_.commit({{"last", "x"}});
  hub_.traffic().reset();
  EXPECT_EQ(recent(seconds(3600)).size(), 1U);
  EXPECT_EQ(hub_.traffic().count(Kind::kCommits), 1U);
}

TEST_F(RecentCommitsTest, AnEndlessHistoryEnds) {
  hub_.faults().add({.kind = Kind::kCommits}, Fault::endless_pages());
  EXPECT_GE(recent(seconds(1'000'000)).size(), 1U);
}

}  // namespace
}  // namespace neffs::test
