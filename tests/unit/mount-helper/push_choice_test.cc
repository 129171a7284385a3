// Whether a mount publishes: every answer of the Hub, for every way to ask for it.
#include "mount-helper/push_choice.h"

#include <gmock/gmock.h>

#include <memory>
#include <stdexcept>

#include "tests/unit/mount-helper/mount_helper_kit.h"

namespace neffs::test {
namespace {

using hub::HubError;
using hub::HubErrorKind;
using mount_helper::ask_push;
using mount_helper::choose_push;
using mount_helper::MountOptions;
using mount_helper::PushAnswer;
using mount_helper::PushChoice;
using mount_helper::PushMode;
using Kind = PushChoice::Kind;

// Every kind, so that a new one has to be thought of here.
constexpr HubErrorKind kKinds[] = {
    HubErrorKind::kEntryNotFound, HubErrorKind::kRepoNotFound, HubErrorKind::kRevisionNotFound,
    HubErrorKind::kUnauthorized,  HubErrorKind::kForbidden,    HubErrorKind::kGated,
    HubErrorKind::kDisabled,      HubErrorKind::kThrottled,    HubErrorKind::kUnavailable,
    HubErrorKind::kInvalidAnswer, HubErrorKind::kCorrupt,      HubErrorKind::kRefused,
    HubErrorKind::kHeadMoved,     HubErrorKind::kBusy,         HubErrorKind::kUnknownOutcome,
    HubErrorKind::kOffline,       HubErrorKind::kCancelled,    HubErrorKind::kLocal,
    HubErrorKind::kFolderFull};

hub::PushAccess repo_of(bool is_private, std::optional<HubErrorKind> refusal = std::nullopt) {
  hub::PushAccess access;
  access.exists = true;
  access.id = "lab/cache";
  access.is_private = is_private;
  if (refusal) access.refusal = HubError(*refusal, "lab/cache: because");
  return access;
}

TEST(PushChoice, OfARepoThatMayBeWritten) {
  struct Row {
    PushMode mode;
    bool is_private;
    Kind kind;
    bool only_private;
    const char* why;
  };
  const Row rows[] = {
      {PushMode::kAuto, true, Kind::kRepo, true, "private"},
      {PushMode::kAuto, false, Kind::kNone, false, "it is public (push=REPO publishes to it)"},
      {PushMode::kRepo, true, Kind::kRepo, false, "private"},
      {PushMode::kRepo, false, Kind::kRepo, false, "public"},
      {PushMode::kNone, true, Kind::kNone, false, "push=none"},
      {PushMode::kNone, false, Kind::kNone, false, "push=none"},
  };
  for (const Row& row : rows) {
    const auto choice = choose_push(row.mode, repo_of(row.is_private));
    EXPECT_EQ(choice.kind, row.kind) << row.why;
    EXPECT_EQ(choice.only_private, row.only_private) << row.why;
    EXPECT_EQ(choice.why, row.why);
  }
}

TEST(PushChoice, ARefusalEndsAMountThatNamedTheRepoAndNoOther) {
  for (const HubErrorKind kind : kKinds) {
    for (const bool is_private : {true, false}) {
      const PushAnswer answer = repo_of(is_private, kind);
      const auto choice = choose_push(PushMode::kAuto, answer);
      EXPECT_EQ(choice.kind, Kind::kNone) << hub::to_string(kind);
      EXPECT_EQ(choice.why, "lab/cache: because");
      EXPECT_FALSE(choose_push(PushMode::kNone, answer).publishes());
      EXPECT_THROW(choose_push(PushMode::kRepo, answer), HubError) << hub::to_string(kind);
    }
  }
}

TEST(PushChoice, WithoutAnAnswerNothingIsDecided) {
  for (const HubErrorKind kind : kKinds) {
    const PushAnswer answer = HubError(kind, "lab/cache: because");
    const auto choice = choose_push(PushMode::kAuto, answer);
    EXPECT_EQ(choice.kind, Kind::kOpen) << hub::to_string(kind);
    EXPECT_TRUE(choice.only_private) << hub::to_string(kind);
    EXPECT_EQ(choice.why, "it is asked again: lab/cache: because");
    EXPECT_EQ(choose_push(PushMode::kNone, answer).kind, Kind::kNone);
    if (hub::is_definite(kind)) {
      EXPECT_THROW(choose_push(PushMode::kRepo, answer), HubError) << hub::to_string(kind);
    } else {
      EXPECT_EQ(choose_push(PushMode::kRepo, answer).kind, Kind::kOpen) << hub::to_string(kind);
    }
  }
}

// The promise itself, over the whole table: what is published without a name goes to private repos.
TEST(PushChoice, NothingReachesAPublicRepoThatWasNotNamed) {
  std::vector<PushAnswer> answers{repo_of(true), repo_of(false), hub::PushAccess{}};
  for (const HubErrorKind kind : kKinds) {
    answers.emplace_back(HubError(kind, "because"));
    answers.emplace_back(repo_of(true, kind));
    answers.emplace_back(repo_of(false, kind));
  }
  for (const PushAnswer& answer : answers) {
    for (const PushMode mode : {PushMode::kAuto, PushMode::kNone}) {
      const auto choice = choose_push(mode, answer);
      EXPECT_TRUE(!choice.publishes() || choice.only_private) << choice.why;
    }
    const auto* access = std::get_if<hub::PushAccess>(&answer);
    const bool is_public = access != nullptr && !access->is_private;
    EXPECT_FALSE(is_public && choose_push(PushMode::kAuto, answer).publishes());
  }
}

// Answers what it is told to, and counts the questions; writing to it fails the test.
class AskedRepo final : public hub::PushRepo {
 public:
  explicit AskedRepo(PushAnswer answer) : answer_(std::move(answer)) {}
  hub::PushAccess access(const hub::CallLimits&) override {
    ++asked;
    if (const auto* error = std::get_if<HubError>(&answer_)) throw HubError(*error);
    return std::get<hub::PushAccess>(answer_);
  }
  void create(hub::Visibility, const hub::CallLimits&) override { refuse(); }
  hub::PushPlan plan(const std::vector<hub::PushFile>&, const hub::CallLimits&) override {
    refuse();
  }
  std::vector<hub::UploadResult> upload(const hub::UploadRequest&,
                                        const hub::CallLimits&) override {
    refuse();
  }
  std::string commit(const hub::CommitRequest&, const hub::CallLimits&) override { refuse(); }
  std::vector<hub::PastCommit> recent_commits(std::chrono::sys_seconds,
                                              const hub::CallLimits&) override {
    refuse();
  }

  int asked = 0;

 private:
  [[noreturn]] static void refuse() { throw std::logic_error("only access() is asked"); }
  const PushAnswer answer_;
};

TEST(AskPush, AsksOnlyWhereTheAnswerCounts) {
  struct Row {
    PushMode mode;
    bool is_read_only;
    bool is_offline;
    Kind kind;
    int asked;
  };
  const Row rows[] = {
      {PushMode::kAuto, false, false, Kind::kRepo, 1},
      {PushMode::kRepo, false, false, Kind::kRepo, 1},
      {PushMode::kNone, false, false, Kind::kNone, 0},
      {PushMode::kAuto, true, false, Kind::kNone, 0},
      {PushMode::kRepo, true, false, Kind::kNone, 0},
      {PushMode::kAuto, false, true, Kind::kOpen, 0},
      {PushMode::kRepo, false, true, Kind::kOpen, 0},
      {PushMode::kNone, false, true, Kind::kNone, 0},
      {PushMode::kAuto, true, true, Kind::kNone, 0},
  };
  for (const Row& row : rows) {
    MountOptions options;
    options.push = row.mode;
    options.is_read_only = row.is_read_only;
    AskedRepo repo(repo_of(true));
    const auto choice = ask_push(options, repo, row.is_offline, {});
    EXPECT_EQ(choice.kind, row.kind) << choice.why;
    EXPECT_EQ(repo.asked, row.asked) << choice.why;
    EXPECT_EQ(choice.only_private, choice.publishes() && row.mode == PushMode::kAuto) << choice.why;
  }
}

TEST(AskPush, AnErrorIsNoAnswer) {
  AskedRepo silent(HubError(HubErrorKind::kUnavailable, "lab/cache: no answer"));
  const auto choice = ask_push(MountOptions{}, silent, false, {});
  EXPECT_EQ(choice.kind, Kind::kOpen);
  EXPECT_TRUE(choice.only_private);
}

// --- of several sources -----------------------------------------------------------------------------

struct AskedSource {
  PushAnswer answer;
  bool is_known_public = false;
  bool is_commit = false;
};

struct Asked {
  mount_helper::PushTarget target;
  std::vector<int> asked;
};

Asked ask_all(const std::vector<AskedSource>& sources, const MountOptions& options = {},
              bool is_offline = false, std::optional<std::size_t> last = std::nullopt) {
  std::vector<std::unique_ptr<AskedRepo>> repos;
  std::vector<mount_helper::PushCandidate> candidates;
  for (const auto& source : sources) {
    repos.push_back(std::make_unique<AskedRepo>(source.answer));
    candidates.push_back({"lab/" + std::to_string(candidates.size()), repos.back().get(),
                          source.is_known_public, source.is_commit});
  }
  Asked result{ask_pushes(options, candidates, is_offline, {}, last), {}};
  for (const auto& repo : repos) result.asked.push_back(repo->asked);
  return result;
}

TEST(AskPushes, TheFirstThatIsPrivateAndMayBeWritten) {
  const auto no = repo_of(true, HubErrorKind::kForbidden);
  const auto result = ask_all({{repo_of(false)}, {no}, {repo_of(true)}, {repo_of(true)}});
  EXPECT_EQ(result.target.choice.kind, Kind::kRepo);
  EXPECT_TRUE(result.target.choice.only_private);
  EXPECT_EQ(result.target.which, 2U);
  EXPECT_EQ(result.asked, (std::vector{1, 1, 1, 0}));
}

// The queue must not go to another repo today than it would go to tomorrow.
TEST(AskPushes, WhatIsNoClearAnswerIsLeftOpenAndTheNextAlone) {
  for (const HubErrorKind kind : kKinds) {
    const auto result = ask_all({{repo_of(false)}, {HubError(kind, "no")}, {repo_of(true)}});
    EXPECT_EQ(result.target.choice.kind, Kind::kOpen) << hub::to_string(kind);
    EXPECT_TRUE(result.target.choice.only_private);
    EXPECT_EQ(result.target.which, 1U);
    EXPECT_EQ(result.asked, (std::vector{1, 1, 0}));
  }
}

TEST(AskPushes, WhatIsNoClearAnswerIsLeftOpenWithTheLastDecision) {
  for (const std::optional<std::size_t> last : {std::optional<std::size_t>(), {1}, {2}}) {
    const auto result = ask_all({{repo_of(true, HubErrorKind::kForbidden)},
                                 {HubError(HubErrorKind::kUnavailable, "no")},
                                 {repo_of(true)}},
                                {}, false, last);
    EXPECT_EQ(result.target.choice.kind, Kind::kOpen);
    EXPECT_EQ(result.target.which, last.value_or(1));
    EXPECT_EQ(result.asked, (std::vector{1, 1, 0}));
  }
  EXPECT_EQ(ask_all({{repo_of(true)}, {repo_of(true)}}, {}, true, 1).target.which, 1U);
  EXPECT_EQ(ask_all({{repo_of(true)}, {repo_of(true)}}, {}, false, 1).target.which, 0U);
}

TEST(AskPushes, WhatIsKnownIsNotAsked) {
  const auto result =
      ask_all({{repo_of(true), true}, {repo_of(true), false, true}, {repo_of(true)}});
  EXPECT_EQ(result.target.which, 2U);
  EXPECT_EQ(result.asked, (std::vector{0, 0, 1}));
  const auto offline = ask_all({{repo_of(true), true}, {repo_of(true)}}, {}, true);
  EXPECT_EQ(offline.target.choice.kind, Kind::kOpen);
  EXPECT_EQ(offline.target.which, 1U);
  EXPECT_EQ(offline.asked, (std::vector{0, 0}));
}

TEST(AskPushes, SaysOfEachWhyNot) {
  const auto result = ask_all({{repo_of(false)}, {repo_of(true), false, true}});
  EXPECT_EQ(result.target.choice.kind, Kind::kNone);
  EXPECT_EQ(
      result.target.choice.why,
      "lab/0: it is public (push=REPO publishes to it); lab/1: a commit is never published to");
  EXPECT_EQ(ask_all({{repo_of(false)}}).target.choice.why,
            "it is public (push=REPO publishes to it)");
}

TEST(AskPushes, TheOneThatIsNamedAndNoOther) {
  MountOptions options;
  options.push = PushMode::kRepo;
  options.push_repo = "lab/1";
  const auto result = ask_all({{repo_of(true)}, {repo_of(false)}, {repo_of(true)}}, options);
  EXPECT_EQ(result.target.choice.kind, Kind::kRepo);
  EXPECT_EQ(result.target.which, 1U);
  EXPECT_EQ(result.asked, (std::vector{0, 1, 0}));
  EXPECT_THROW(ask_all({{repo_of(true)}, {repo_of(true, HubErrorKind::kForbidden)}}, options),
               HubError);
  options.push = PushMode::kNone;
  EXPECT_EQ(ask_all({{repo_of(true)}, {repo_of(true)}}, options).asked, (std::vector{0, 0}));
}

}  // namespace
}  // namespace neffs::test
