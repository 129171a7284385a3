// What is compiled on a mount comes into its repo: once, whole, and is still to be seen here.
#include <signal.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "tests/publish/publishing.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;

TEST_F(PublishTest, AModuleIsThereInOneCommitWithAllItsFiles) {
  const auto mounted = mount_writing();
  const auto module = made_module(1);
  compile_into(mounted->root(), module);
  expect_flushed(*mounted);
  expect_published_alone(module);
}

TEST_F(PublishTest, ItComesByItselfToo) {
  const auto mounted = mount_writing();
  const auto module = made_module(1);
  compile_into(mounted->root(), module);
  EXPECT_TRUE(eventually([&] { return repo_.head() != first_; }));
  expect_published_alone(module);
}

TEST_F(PublishTest, ManyGoTogether) {
  const auto mounted = mount_writing({"commit_interval=3600"});
  for (unsigned i = 0; i < 30; ++i) compile_into(mounted->root(), made_module(i));
  expect_flushed(*mounted);
  const auto past = history();
  for (unsigned i = 0; i < 30; ++i) past.expect_once(made_module(i));
  EXPECT_LE(past.commits(), 10U);
}

// As by `systemctl reload`: who mends something does not wait for the interval.
TEST_F(PublishTest, AReloadPublishesAtOnce) {
  const auto root = scratch_ / "mnt";
  stdfs::create_directories(root);
  const Ended mounted =
      neffs({"mount", kPushRepo, root.string(), "-o", "settle=0.2,commit_interval=3600"},
            {{"HF_TOKEN", kWriter}});
  ASSERT_EQ(mounted.exit_code, 0) << mounted.err;
  const auto status = [&] {
    return nlohmann::json::parse(neffs({"status", root.string(), "--json"}).out);
  };
  const auto becomes = [&](const char* what, std::uint64_t modules) {
    return eventually([&] { return status().at("push").at(what) == modules; });
  };
  compile_into(root, made_module(1));
  EXPECT_TRUE(becomes("pushed", 1));
  compile_into(root, made_module(2));
  EXPECT_TRUE(becomes("queued", 1)) << "an hour has to pass";
  ASSERT_EQ(::kill(status().at("pid").get<pid_t>(), SIGHUP), 0);
  EXPECT_TRUE(becomes("pushed", 2));
  EXPECT_EQ(history().commits(), 2U);
  EXPECT_EQ(neffs({"umount", root.string()}).exit_code, 0);
}

TEST_F(PublishTest, WhatIsTheSameCausesNothing) {
  const auto module = made_module(1);
  {
    const auto mounted = mount_writing();
    compile_into(mounted->root(), module);
    expect_flushed(*mounted);
    hub_.traffic().reset();
    expect_flushed(*mounted);
    EXPECT_EQ(hub_.traffic().total(), 0U) << requests();
  }
  const auto mounted = mount_writing();
  expect_flushed(*mounted);
  EXPECT_EQ(writing_requests(hub_), 0U) << requests();
  expect_published_alone(module);
}

// Another machine has compiled the very same, and was quicker.
TEST_F(PublishTest, WhatTheRepoHasAlreadyIsNotCommittedAgain) {
  const auto mounted = mount_writing();
  const auto module = made_module(1);
  repo_.commit(files_to_commit(module));
  compile_into(mounted->root(), module);
  expect_flushed(*mounted);
  expect_published_alone(module);
  EXPECT_EQ(hub_.traffic().count(Kind::kCommit), 0U);
}

TEST_F(PublishTest, AFileThatComesLaterFollows) {
  const auto mounted = mount_writing();
  auto module = made_module(1);
  compile_into(mounted->root(), module);
  expect_flushed(*mounted);
  const std::string wrapped(5000, '\1');
  write_file(*mounted / (module.path + "/wrapped_neff.hlo"), wrapped);
  expect_flushed(*mounted);
  const auto past = history();
  EXPECT_EQ(past.commits(), 2U);
  EXPECT_EQ(past.commits_of(module.path), 2U);
  const auto added = repo_.diff(repo_.history(repo_.head()).at(1).id, repo_.head());
  std::set<std::string> paths;
  for (const auto& change : added) paths.insert(change.after ? change.after->path : "-");
  paths.erase(".gitattributes");
  EXPECT_EQ(paths, std::set<std::string>{module.path + "/wrapped_neff.hlo"});
  const auto there = repo_.find(repo_.head(), module.path + "/wrapped_neff.hlo");
  ASSERT_TRUE(there);
  EXPECT_EQ(read_all(*repo_.content(*there)), wrapped);
}

TEST_F(PublishTest, ItIsStillToBeSeenHere) {
  const auto module = made_module(1);
  {
    const auto mounted = mount_writing();
    compile_into(mounted->root(), module);
    expect_flushed(*mounted);
    EXPECT_EQ(files_in(mounted->root(), module), module.files);
  }
  EXPECT_EQ(files_in(scratch_ / "mnt", module), module.files);  // below the mount
  {
    const auto mounted = mount_writing();
    EXPECT_EQ(files_in(mounted->root(), module), module.files);
  }
  EXPECT_EQ(hub_.traffic().count(Kind::kCdnGet), 0U) << requests({.kind = Kind::kCdnGet});
  stdfs::remove_all(scratch_ / "mnt" / module.path);
  const auto mounted = mount_writing();
  EXPECT_EQ(files_in(mounted->root(), module), module.files);
  EXPECT_GT(hub_.traffic().count(Kind::kCdnGet), 0U);
  expect_flushed(*mounted);
  expect_published_alone(module);
}

// SEMANTICS 6: deletes are local.
TEST_F(PublishTest, DeletesDoNotReachTheRepo) {
  const auto mounted = mount_writing();
  const auto kept = made_module(1);
  const auto forgotten = made_module(2);
  compile_into(mounted->root(), kept);
  expect_flushed(*mounted);
  compile_into(mounted->root(), forgotten);
  stdfs::remove_all(*mounted / forgotten.path);
  stdfs::remove_all(*mounted / kept.path);
  EXPECT_EQ(stat_error(*mounted / (kept.path + "/model.done")), ENOENT);
  expect_flushed(*mounted);
  const auto past = history();
  past.expect_once(kept);
  past.expect_untorn(forgotten);
  for (const auto& path : past.touched())
    EXPECT_TRUE(repo_.find(repo_.head(), path)) << path << " was deleted";
}

struct FirstWriter : PublishTest {
  // Compiles a module that the repo has got meanwhile, and publishes what there is: ours, theirs.
  std::pair<MadeModule, MadeModule> lose_to_first_writer(const Mount& mounted) {
    const auto ours = made_module(1);
    auto theirs = ours;
    theirs.files["model.neff"] = made_module(2).files["model.neff"];
    repo_.commit(files_to_commit(theirs));
    compile_into(mounted.root(), ours);
    expect_flushed(mounted);
    return {ours, theirs};
  }
};

TEST_F(FirstWriter, Wins) {
  const auto mounted = mount_writing();
  const auto [ours, theirs] = lose_to_first_writer(*mounted);
  expect_published_alone(theirs);
  EXPECT_EQ(files_in(mounted->root(), ours), ours.files);
  EXPECT_EQ(mounted->status().at("push").at("superseded"), 1);
  expect_flushed(*mounted);  // and does not come again
  EXPECT_EQ(hub_.traffic().count(Kind::kCommit), 0U);
}

// What was compiled here is nobody's to remove; its damage is told where its hash is known.
TEST_F(FirstWriter, LeavesOursWhoseDamageIsToldAndMendedByNobody) {
  const auto mounted = mount_writing();
  const auto ours = lose_to_first_writer(*mounted).first;
  const auto neff = mounted->layer(ours.path + "/model.neff");
  const auto verify = [&] {
    return neffs({"verify", "--repair", "--mountpoint", mounted->root().string()});
  };
  EXPECT_EQ(verify().exit_code, 0);
  const auto written = std::filesystem::last_write_time(neff);
  auto bytes = ours.files.at("model.neff");
  bytes[bytes.size() / 2] ^= 1;
  write_file(neff, bytes);
  std::filesystem::last_write_time(neff, written);
  const Ended ended = verify();
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find("stays: it was written here"), std::string::npos) << ended.err;
  EXPECT_EQ(read_file(neff).text, bytes);
  write_file(neff, "I am working on it");  // of another time: its user's own change
  EXPECT_EQ(verify().exit_code, 0);
}

// What a killed or failed compile of another machine left there is no module.
TEST_F(PublishTest, LeftoversInTheRepoAreReplaced) {
  const auto failed = made_module(1);
  const auto locked = made_module(2);
  const auto file = [](const MadeModule& module, const std::string& name) {
    return NewFile(module.path + "/" + name, module.files.at(name));
  };
  first_ = repo_.commit({file(failed, "compile_flags.json"),
                         file(failed, "model.hlo_module.pb"),
                         {failed.path + "/model.log", "Failed compilation"},
                         file(locked, "compile_flags.json"),
                         {locked.path + "/model.hlo_module.pb.lock", ""}});
  const auto mounted = mount_writing();
  compile_into(mounted->root(), failed);
  compile_into(mounted->root(), locked);
  expect_flushed(*mounted);
  const auto past = history();
  past.expect_once(failed);
  past.expect_once(locked);
}

// The head moves by our own commit, and what others have committed before it comes along: a module of theirs
// is seen, one of which there is a copy here is served anew.
TEST_F(PublishTest, WhatOthersCommittedIsSeenAfterAnOwnCommit) {
  const auto copied = made_module(1);
  repo_.commit(files_to_commit(copied));
  const auto mounted = mount_writing();
  EXPECT_EQ(files_in(mounted->root(), copied), copied.files);
  auto anew = copied;
  anew.files["model.neff"] = made_module(2).files["model.neff"];
  const auto theirs = made_module(3);
  repo_.commit(files_to_commit(anew));
  repo_.commit(files_to_commit(theirs));
  compile_into(mounted->root(), made_module(4));
  expect_flushed(*mounted);
  EXPECT_EQ(files_in(mounted->root(), theirs), theirs.files);
  EXPECT_EQ(files_in(mounted->root(), copied), anew.files);
  EXPECT_EQ(files_in(mounted->root(), made_module(4)), made_module(4).files);
}

TEST_F(PublishTest, AFileOfARegistryIsPublishedByItself) {
  const auto mounted = mount_writing();
  const std::string registry = sample::kVersion + "/0_REGISTRY/0.4.5/";
  const std::string entry = registry + "0a1b2c/0123456789abcdef0123.json";
  const std::string alias = registry + "llama/some/model/0123456789abcdef0123.json";
  stdfs::create_directories((*mounted / entry).parent_path());
  stdfs::create_directories((*mounted / alias).parent_path());
  write_file(*mounted / entry, R"({"_model_id": "some/model"})");
  stdfs::create_symlink("../../../0a1b2c/0123456789abcdef0123.json", *mounted / alias);
  write_file(*mounted / (registry + "0a1b2c/half.json"), "{\"_model_");
  write_file(*mounted / (registry + "0a1b2c/notes.txt"), "notes");
  stdfs::create_symlink("/etc/hostname", *mounted / (registry + "0a1b2c/out.json"));
  expect_flushed(*mounted);
  EXPECT_EQ(history().touched(), (std::set<std::string>{entry, alias}));
  for (const auto& path : {entry, alias}) {
    const auto there = repo_.find(repo_.head(), path);
    ASSERT_TRUE(there) << path;
    EXPECT_EQ(read_all(*repo_.content(*there)), R"({"_model_id": "some/model"})");
  }
}

TEST_F(PublishTest, ARepoThatIsNamedMayBePublic) {
  repo_.set_settings({.is_private = false});
  const auto mounted = mount_writing({"push=" + kPushRepo});
  compile_into(mounted->root(), made_module(1));
  expect_flushed(*mounted);
  expect_published_alone(made_module(1));
}

// A copy that lies over a deletion must not go: what the repo has would stay hidden.
TEST_F(PublishTest, WhatWasDeletedAndMadeAgainIsNotEvicted) {
  const auto module = made_module(1);
  repo_.commit(files_to_commit(module));
  const auto mounted = mount_writing();
  EXPECT_EQ(stat_error(*mounted / (module.path + "/model.done")), 0);
  for (const auto& [name, bytes] : module.files)
    stdfs::remove(*mounted / (module.path + "/" + name));
  stdfs::remove(*mounted / module.path);
  EXPECT_EQ(stat_error(*mounted / module.path), ENOENT);
  compile_into(mounted->root(), module);
  expect_flushed(*mounted);
  EXPECT_NE(mounted->status().at("layer_files"), 0);  // its files are copies now
  neffs({"evict", (*mounted / module.path).string()});
  EXPECT_EQ(files_in(mounted->root(), module), module.files);
}

TEST_F(PublishTest, ABranchGetsItAndNoOther) {
  repo_.set_ref("refs/heads/trn2", first_);
  auto setup = writing_setup();
  setup.source += "@trn2";
  const auto mounted = mount_as(setup);
  const auto module = made_module(1);
  compile_into(mounted->root(), module);
  expect_flushed(*mounted);
  EXPECT_EQ(repo_.head(), first_);
  for (const auto& [name, bytes] : module.files) {
    const auto there = repo_.find(repo_.head("trn2"), module.path + "/" + name);
    ASSERT_TRUE(there) << name;
    EXPECT_EQ(read_all(*repo_.content(*there)), bytes) << name;
  }
}

TEST_F(PublishTest, WhatAnEarlierMountKeptIsPublishedByTheNext) {
  const auto module = made_module(1);
  {
    const auto mounted = mount_writing({"push=none"});
    compile_into(mounted->root(), module);
  }
  const auto mounted = mount_writing();
  expect_flushed(*mounted);
  expect_published_alone(module);
}

}  // namespace
}  // namespace neffs::test
