// Of several sources exactly one is published to, and never another by accident.
#include <string>

#include "tests/publish/publishing.h"

namespace neffs::test {
namespace {

const std::string kOpenRepo = "lab/open";
const std::string kOtherRepo = "lab/other";

// A public repo that the writer may write, and two private ones, before and after.
class UnionPushTest : public PublishTest {
 protected:
  UnionPushTest() {
    hub_.add_token(kWriter, {.user = "ada",
                             .roles = {{kPushRepo, Role::kWrite},
                                       {kOpenRepo, Role::kWrite},
                                       {kOtherRepo, Role::kWrite}}});
    open_.commit({{"README.md", "public"}});
  }

  std::unique_ptr<Mount> mount_writing(const std::string& source,
                                       std::vector<std::string> options = {}) {
    auto setup = writing_setup(std::move(options));
    setup.source = source;
    return mount_as(setup);
  }
  static std::string pushed_repo(const Mount& mounted) {
    std::string repos;
    const auto sources = mounted.status().at("sources");
    for (const auto& source : sources)
      if (source.at("push")) repos += source.at("repo").get<std::string>();
    return repos;
  }
  // Requests that only a writer makes, of that repo.
  std::size_t written(const std::string& repo) {
    return hub_.traffic().count({.kind = Kind::kPreupload, .text = repo}) +
           hub_.traffic().count({.kind = Kind::kCommit, .text = repo});
  }
  void compile(const Mount& mounted, unsigned number) {
    compile_into(mounted.root(), made_module(number));
  }

  TestRepo& open_ = hub_.create_repo(kOpenRepo);
  TestRepo& other_ = hub_.create_repo(kOtherRepo, {.is_private = true});
  std::string open_head_ = open_.head();
};

TEST_F(UnionPushTest, ThePrivateOneIsWrittenAlsoWhereThePublicOneComesFirst) {
  const auto mounted = mount_writing(kOpenRepo + "," + kPushRepo);
  EXPECT_EQ(pushed_repo(*mounted), kPushRepo);
  EXPECT_NE(mounted->daemon().out().find("push     team/cache  (private)"), std::string::npos)
      << mounted->daemon().out();
  compile(*mounted, 1);
  expect_flushed(*mounted);
  expect_published_alone(made_module(1));
  EXPECT_EQ(written(kOpenRepo), 0U);
  EXPECT_EQ(mounted->status().at("push").at("repo"), kPushRepo);
  // It is a copy of that repo now, and goes with it.
  const auto mark = made_module(1).path + "/model.done";
  EXPECT_EQ(stat_error(*mounted / mark), 0);
}

TEST_F(UnionPushTest, TheFirstOfTwoPrivateOnes) {
  other_.commit({{"README.md", "other"}});
  const auto mounted = mount_writing(kPushRepo + "," + kOtherRepo);
  EXPECT_EQ(pushed_repo(*mounted), kPushRepo);
  compile(*mounted, 1);
  expect_flushed(*mounted);
  expect_published_alone(made_module(1));
  EXPECT_EQ(written(kOtherRepo), 0U);
}

TEST_F(UnionPushTest, OneThatMayNotBeWrittenIsPassedOver) {
  other_.commit({{"README.md", "other"}});
  hub_.add_token(kWriter,
                 {.user = "ada", .roles = {{kPushRepo, Role::kWrite}, {kOtherRepo, Role::kRead}}});
  const auto mounted = mount_writing(kOtherRepo + "," + kPushRepo);
  EXPECT_EQ(pushed_repo(*mounted), kPushRepo);
  compile(*mounted, 1);
  expect_flushed(*mounted);
  expect_published_alone(made_module(1));
}

// No clear answer decides nothing: what is compiled waits, and the next one is left alone.
TEST_F(UnionPushTest, AnUnclearAnswerIsNoReasonToTryTheNext) {
  other_.commit({{"README.md", "other"}});
  const int rule =
      hub_.faults().add({.kind = Kind::kAuthCheck, .text = kPushRepo}, Fault::answer(503));
  const auto mounted = mount_writing(kPushRepo + "," + kOtherRepo);
  EXPECT_NE(mounted->daemon().out().find("it is asked again"), std::string::npos)
      << mounted->daemon().out() << requests();
  EXPECT_EQ(pushed_repo(*mounted), kPushRepo);
  compile(*mounted, 1);
  EXPECT_TRUE(eventually([&] { return mounted->status().at("push").at("queued") == 1; }))
      << mounted->status().at("push").dump(1);
  EXPECT_EQ(written(kPushRepo) + written(kOtherRepo), 0U) << requests();
  EXPECT_EQ(hub_.traffic().count({.kind = Kind::kAuthCheck, .text = kOtherRepo}), 0U);
  EXPECT_GT(hub_.faults().struck(rule), 0U);
  hub_.faults().clear();
  expect_flushed(*mounted);
  expect_published_alone(made_module(1));
  EXPECT_EQ(written(kOtherRepo), 0U);
}

// Where it was published to the last time is where it is published to while nobody says otherwise.
TEST_F(UnionPushTest, TheLastDecisionHoldsWhileTheHubIsSilent) {
  other_.commit({{"README.md", "other"}});
  hub_.add_token(kWriter,
                 {.user = "ada", .roles = {{kPushRepo, Role::kWrite}, {kOtherRepo, Role::kRead}}});
  const std::string both = kOtherRepo + "," + kPushRepo;
  { EXPECT_EQ(pushed_repo(*mount_writing(both)), kPushRepo); }
  hub_.stop();
  {
    const auto mounted = mount_writing(both);
    EXPECT_EQ(pushed_repo(*mounted), kPushRepo) << mounted->daemon().out();
    compile(*mounted, 1);
    EXPECT_TRUE(eventually([&] { return mounted->status().at("push").at("queued") == 1; }));
    start_hub_again();
    expect_flushed(*mounted);
  }
  expect_published_alone(made_module(1));
  EXPECT_EQ(written(kOtherRepo), 0U);
  // A clear answer counts, whatever was decided before.
  hub_.add_token(kWriter,
                 {.user = "ada", .roles = {{kPushRepo, Role::kRead}, {kOtherRepo, Role::kWrite}}});
  { EXPECT_EQ(pushed_repo(*mount_writing(both)), kOtherRepo); }
}

// The head, whether it is private still, whether it may be written.
TEST_F(UnionPushTest, AKnownRepoIsAskedThreeThings) {
  { EXPECT_EQ(pushed_repo(*mount_writing(kPushRepo)), kPushRepo); }
  hub_.traffic().reset();
  const auto mounted = mount_writing(kPushRepo);
  EXPECT_EQ(pushed_repo(*mounted), kPushRepo);
  EXPECT_LE(hub_.traffic().total(), 3U) << requests();
}

TEST_F(UnionPushTest, ARepoThatIsNamedComesFirstIfItIsNoSource) {
  other_.commit({{"README.md", "other"}});
  const auto mounted = mount_writing(kOpenRepo, {"push=" + kPushRepo});
  EXPECT_EQ(mounted->status().at("sources").at(0).at("repo"), kPushRepo);
  EXPECT_EQ(pushed_repo(*mounted), kPushRepo);
  const auto table = read_file("/proc/self/mounts").text;
  EXPECT_NE(table.find(kPushRepo + "," + kOpenRepo + " "), std::string::npos) << table;
  compile(*mounted, 1);
  expect_flushed(*mounted);
  expect_published_alone(made_module(1));
  EXPECT_EQ(written(kOpenRepo), 0U);
}

TEST_F(UnionPushTest, ThePublicOneOnlyByItsName) {
  {
    sample::create(hub_);
    const auto mounted = mount_writing(kOpenRepo + "," + sample::kRepo);
    EXPECT_EQ(pushed_repo(*mounted), "");
    compile(*mounted, 1);
    EXPECT_EQ(written(kOpenRepo), 0U);
  }
  const auto mounted = mount_writing(kPushRepo + "," + kOpenRepo, {"push=" + kOpenRepo});
  EXPECT_EQ(pushed_repo(*mounted), kOpenRepo);
  compile(*mounted, 2);
  expect_flushed(*mounted);
  EXPECT_EQ(written(kPushRepo), 0U);
  EXPECT_TRUE(open_.find(open_.head(), made_module(2).path + "/model.done"));
}

TEST_F(UnionPushTest, ACommitIsNeverWrittenTo) {
  const auto pinned = other_.commit({{"README.md", "other"}});
  const auto mounted = mount_writing(kOtherRepo + "@" + pinned + "," + kPushRepo);
  EXPECT_EQ(pushed_repo(*mounted), kPushRepo);
  compile(*mounted, 1);
  expect_flushed(*mounted);
  expect_published_alone(made_module(1));
}

// What is already in a source is a hit, and never pushed again to another.
TEST_F(UnionPushTest, WhatThePublicOneHasIsNotPublished) {
  open_.commit(files_to_commit(made_module(1)));
  const auto mounted = mount_writing(kPushRepo + "," + kOpenRepo);
  const auto module = made_module(1);
  for (const auto& [name, bytes] : module.files)
    EXPECT_EQ(read_file(*mounted / (module.path + "/" + name)).text, bytes);
  expect_flushed(*mounted);
  EXPECT_EQ(history().commits(), 0U);
  EXPECT_EQ(written(kPushRepo), 0U);
}

}  // namespace
}  // namespace neffs::test
