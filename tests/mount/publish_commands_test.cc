// The commands of who publishes: flush, umount --flush, flush --adopted, retract, create.
#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/mount/lab_cache.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;
using nlohmann::json;
using Words = std::vector<std::string>;

const std::string kThree = sample::kVersion + "/MODULE_33+e30acd3a";

class PublishCommandsTest : public LabCacheTest {
 protected:
  std::vector<NewFile> files_of(const std::string& module, const std::string& neff) const {
    return {{module + "/model.hlo_module.pb", std::string("\0hlo", 4) + module},
            {module + "/compile_flags.json", "[]"},
            {module + "/model.neff", std::string("\0\1", 2) + neff},
            {module + "/model.done", ""}};
  }

  std::unique_ptr<Mount> mount_repo(Words options = {}) {
    options.insert(options.begin(), {"settle=0.2", "commit_interval=0"});
    return mount_as({.source = "lab/cache",
                     .options = std::move(options),
                     .variables = {{"HF_TOKEN", "hf_w"}}});
  }
  Ended as_ada(const Words& words) const { return neffs(words, {{"HF_TOKEN", "hf_w"}}); }
  Ended flush(const Mount& mounted, Words more = {}) const {
    more.insert(more.begin(), {"flush", mounted.root().string(), "--timeout", "20"});
    return as_ada(more);
  }
  Ended retract(const Mount& mounted, Words more) const {
    more.insert(more.begin(), "retract");
    more.insert(more.end(), {"--mountpoint", mounted.root().string()});
    return as_ada(more);
  }

  std::size_t commits() const { return repo_.history(repo_.head()).size(); }
  std::string in_repo(const std::string& path) const {
    const auto entry = repo_.find(repo_.head(), path);
    return entry ? read_all(*repo_.content(*entry)) : "(absent)";
  }
  bool is_in_repo(const std::string& module) const {
    return repo_.list(repo_.head(), module, true) != nullptr;
  }

  TestRepo& repo_ = hub_.create_repo("lab/cache", {.is_private = true});
};

TEST_F(PublishCommandsTest, FlushGivesUpAtItsLimit) {
  const auto mounted = mount_repo({"settle=60"});
  compile_in(mounted->root(), kOne);
  compile_in(mounted->root(), kTwo);
  ASSERT_TRUE(eventually([&] { return mounted->status().at("push").at("waiting") == 2; }));
  EXPECT_EQ(as_ada({"flush", mounted->root().string(), "--timeout", "0.5"}).exit_code, 1)
      << "settling takes a minute, which is what a limit is for";
}

// SEMANTICS 20: what was compiled is in the repo when flush says so.
TEST_F(PublishCommandsTest, FlushBringsWhatIsSettling) {
  const auto mounted = mount_repo();
  compile_in(mounted->root(), kOne);
  compile_in(mounted->root(), kTwo);
  const Ended ended = flush(*mounted);
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_NE(ended.out.find("everything is in lab/cache"), std::string::npos) << ended.out;
  for (const auto& module : {kOne, kTwo}) {
    EXPECT_EQ(in_repo(module + "/model.neff"), std::string("\0\1", 2) + "neff") << module;
    EXPECT_EQ(in_repo(module + "/model.done"), "") << module;
  }
}

TEST_F(PublishCommandsTest, FlushNamesWhatDoesNotMakeIt) {
  const auto mounted = mount_repo();
  Gate gate = hub_.hold({.kind = Kind::kCommit});
  compile_in(mounted->root(), kOne);
  ASSERT_TRUE(gate.wait_held(1));
  const Ended ended = as_ada({"flush", mounted->root().string(), "--timeout", "0.5"});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find(kOne + " is uploading"), std::string::npos) << ended.err;
  const Ended quick =
      as_ada({"flush", mounted->root().string(), "--timeout", "0.2", "--json", "--quiet"});
  EXPECT_EQ(quick.exit_code, 1);
  const auto left = nlohmann::json::parse(quick.out);
  EXPECT_EQ(left["flushed"], false);
  EXPECT_EQ(left["left"].size(), 1U) << left;
  gate.open();
  EXPECT_EQ(flush(*mounted).exit_code, 0);
}

TEST_F(PublishCommandsTest, UmountFlushesForAsLongAsItIsTold) {
  auto mounted = mount_repo();
  Gate gate = hub_.hold({.kind = Kind::kCommit});
  compile_in(mounted->root(), kOne);
  ASSERT_TRUE(gate.wait_held(1));
  const Ended ended = as_ada({"umount", "--flush=0.5", mounted->root().string()});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find(kOne + " is uploading"), std::string::npos) << ended.err;
  EXPECT_TRUE(mounted->daemon().wait()) << "it is unmounted in any case";
  gate.open();
  mounted.reset();
  mounted = mount_repo();
  EXPECT_EQ(flush(*mounted).exit_code, 0);
  EXPECT_TRUE(is_in_repo(kOne)) << "the queue is kept";
  compile_in(mounted->root(), kTwo);
  ASSERT_TRUE(eventually([&] { return is_in_repo(kTwo); }));
  EXPECT_EQ(as_ada({"umount", "--flush", mounted->root().string()}).exit_code, 0);
}

// On a host that goes away, what is not published is lost with it.
TEST_F(PublishCommandsTest, UmountSaysWhatIsNotPublishedYet) {
  auto mounted = mount_repo();
  const auto root = mounted->root().string();
  Gate gate = hub_.hold({.kind = Kind::kCommit});
  compile_in(mounted->root(), kOne);
  ASSERT_TRUE(gate.wait_held(1));
  const Ended ended = as_ada({"umount", root});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_NE(ended.err.find("1 module is"), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("not in lab/cache yet"), std::string::npos) << ended.err;
  const Ended status = as_ada({"status", root});
  EXPECT_NE(status.out.find(" 1 queued: the next mount of this directory goes on"),
            std::string::npos)
      << status.out;
  const Ended damage = as_ada({"verify", root + "/" + kOne});
  EXPECT_EQ(damage.exit_code, 0) << "a directory that was a mount is found by its path: "
                                 << damage.err;
  gate.open();
  mounted.reset();
  mounted = mount_repo();
  EXPECT_EQ(flush(*mounted).exit_code, 0);
  const auto push = mounted->status().at("push");
  EXPECT_EQ(push.at("pushed"), 1) << push;
  mounted.reset();
  mounted = mount_repo();
  EXPECT_EQ(mounted->status().at("push").at("pushed"), 0) << "the counters run since the mount";
  EXPECT_EQ(as_ada({"umount", root}).err, "");
}

TEST_F(PublishCommandsTest, WhereNothingIsPublishedNothingIsFlushed) {
  const auto mounted = mount_repo({"push=none"});
  for (const Words& more : {Words{}, Words{"--adopted", "--yes"}}) {
    const Ended ended = flush(*mounted, more);
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_EQ(ended.err,
              "neffs: " + mounted->root().string() + ": this mount publishes nothing: push=none\n");
  }
  EXPECT_EQ(as_ada({"flush", (scratch_ / "elsewhere").string()}).exit_code, 1);
}

// SEMANTICS 17: held modules are published on somebody's word, and then all of them.
TEST_F(PublishCommandsTest, HeldModulesArePublishedWhenTheyAreAdopted) {
  const auto root = scratch_ / "mnt";
  compile_in(root, kOne);
  compile_in(root, kTwo);
  const std::string old = sample::kOldVersion + "/MODULE_44+2c2d707e";
  stdfs::create_directories(root / old);
  write_file(root / old / "model.neff", std::string(8000, '\x01'));
  const auto mounted = mount_repo();
  compile_in(mounted->root(), kThree);
  EXPECT_EQ(flush(*mounted).exit_code, 0);
  EXPECT_FALSE(is_in_repo(kOne));

  const Ended unsure = flush(*mounted, {"--adopted"});
  EXPECT_EQ(unsure.exit_code, 2);
  EXPECT_NE(unsure.out.find(kOne), std::string::npos) << unsure.out;
  EXPECT_EQ(unsure.err,
            "neffs: publish 3 modules that may have been put there by anyone, to lab/cache?: there "
            "is no terminal to answer on (--yes says yes)\n");
  EXPECT_EQ(mounted->status().at("push").at("held"), 3);

  const Ended sure = flush(*mounted, {"--adopted", "--yes"});
  EXPECT_EQ(sure.exit_code, 0) << sure.err;
  for (const auto& module : {kOne, kTwo, old}) {
    EXPECT_NE(sure.out.find(module), std::string::npos) << sure.out;
    EXPECT_TRUE(is_in_repo(module)) << module;
  }
  EXPECT_EQ(mounted->status().at("push").at("held"), 0);
  EXPECT_EQ(flush(*mounted, {"--adopted"}).exit_code, 0) << "nothing is held: nothing is asked";
}

// SEMANTICS 25: what is retracted is gone from the repo and from here, and is made anew.
TEST_F(PublishCommandsTest, ARetractedModuleIsGoneAndCanBeMadeAnew) {
  const auto mounted = mount_repo();
  compile_in(mounted->root(), kOne, "wrong");
  compile_in(mounted->root(), kTwo);
  ASSERT_TRUE(eventually([&] { return is_in_repo(kOne) && is_in_repo(kTwo); }));
  ASSERT_EQ(flush(*mounted).exit_code, 0);
  const auto before = commits();

  const Ended unsure = retract(*mounted, {kOne});
  EXPECT_EQ(unsure.exit_code, 2) << "there is nobody to ask";
  EXPECT_TRUE(is_in_repo(kOne));

  const Ended ended = retract(*mounted, {kOne, "--yes"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_NE(ended.out.find(kOne + "  4 files"), std::string::npos) << ended.out;
  EXPECT_EQ(commits(), before + 1);
  EXPECT_FALSE(is_in_repo(kOne));
  EXPECT_TRUE(is_in_repo(kTwo));
  EXPECT_EQ(stat_error(*mounted / kOne), ENOENT);
  EXPECT_EQ(stat_error(mounted->layer(kOne + "/model.neff")), ENOENT);
  EXPECT_EQ(stat_error(*mounted / (kTwo + "/model.done")), 0);

  EXPECT_EQ(flush(*mounted).exit_code, 0);
  EXPECT_FALSE(is_in_repo(kOne)) << "it does not come back by itself";
  compile_in(mounted->root(), kOne, "right");
  ASSERT_TRUE(eventually([&] { return is_in_repo(kOne); }));
  EXPECT_EQ(in_repo(kOne + "/model.neff"), std::string("\0\1", 2) + "right");
}

TEST_F(PublishCommandsTest, SeveralModulesGoInOneCommitByTheirBareNames) {
  auto files = files_of(kOne, "a");
  for (const auto& file : files_of(kTwo, "b")) files.push_back(file);
  repo_.commit(files);
  const auto mounted = mount_repo();
  ASSERT_EQ(read_file(*mounted / (kOne + "/model.neff")).error, 0);
  const auto before = commits();
  const Ended ended = retract(*mounted, {"MODULE_11+e30acd3a", (*mounted / kTwo).string(),
                                         "MODULE_11+e30acd3a", "--yes", "--json"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  const auto told = nlohmann::json::parse(ended.out);
  EXPECT_EQ(told["modules"].size(), 2U) << told;
  EXPECT_EQ(told["commit"], repo_.head());
  EXPECT_EQ(commits(), before + 1);
  for (const auto& module : {kOne, kTwo}) {
    EXPECT_FALSE(is_in_repo(module));
    EXPECT_EQ(stat_error(*mounted / module), ENOENT);
  }
}

// Nothing that was compiled is lost: it is another one than the one that is retracted.
TEST_F(PublishCommandsTest, RetractingSomebodyElsesLeavesWhatWasCompiledHere) {
  const auto mounted = mount_repo();
  repo_.commit(files_of(kOne, "theirs"));
  compile_in(mounted->root(), kOne, "ours");
  ASSERT_TRUE(eventually([&] { return mounted->status().at("push").at("superseded") == 1; }));
  const Ended ended = retract(*mounted, {kOne, "--yes"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_NE(ended.err.find("it stays, and is used here"), std::string::npos) << ended.err;
  EXPECT_FALSE(is_in_repo(kOne));
  EXPECT_EQ(read_file(*mounted / (kOne + "/model.neff")).text, std::string("\0\1", 2) + "ours");
}

TEST_F(PublishCommandsTest, RetractingIsDoneAnewWhereTheHeadMoves) {
  repo_.commit(files_of(kOne, "wrong"));
  const auto mounted = mount_repo();
  Gate gate = hub_.hold({.kind = Kind::kCommit});
  auto retracting = in_background([&] { return retract(*mounted, {kOne, "--yes"}); });
  ASSERT_TRUE(gate.wait_held(1));
  repo_.commit({{kOne + "/wrapped_neff.hlo", std::string("\0w", 2)}});
  repo_.commit(files_of(kTwo, "fine"));
  gate.open();
  const Ended ended = retracting.get();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_FALSE(is_in_repo(kOne)) << "also what came to it meanwhile";
  EXPECT_TRUE(is_in_repo(kTwo));
}

TEST_F(PublishCommandsTest, WhatIsAboutToBePublishedIsNotRetracted) {
  repo_.commit(files_of(kOne, "theirs"));
  const auto mounted = mount_repo({"settle=60"});
  compile_in(mounted->root(), kOne, "ours");
  ASSERT_TRUE(eventually([&] { return mounted->status().at("push").at("waiting") == 1; }));
  const Ended ended = retract(*mounted, {kOne, "--yes"});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find(kOne + ": it is about to be published from here (waiting)"),
            std::string::npos)
      << ended.err;
  EXPECT_TRUE(is_in_repo(kOne));
}

TEST_F(PublishCommandsTest, RetractRefusesWhatItCannotDo) {
  repo_.commit(files_of(kOne, "fine"));
  const auto before = commits();
  struct Row {
    Words words;
    const char* token;
    int exit_code;
    std::string said;
  };
  const std::string root = (scratch_ / "nothing").string();
  const Row rows[] = {
      {{kTwo}, "hf_w", 1, "the repo has no such module"},
      {{"MODULE_22+e30acd3a"}, "hf_w", 1, "the repo has no such module"},
      {{kOne, kTwo}, "hf_w", 1, "the repo has no such module"},
      {{"README.md"}, "hf_w", 2, "not the name of a module"},
      {{sample::kVersion}, "hf_w", 2, "not the name of a module"},
      {{kOne + "/model.neff"}, "hf_w", 2, "not the name of a module"},
      {{kOne, "--repo", "lab"}, "hf_w", 2, "not a repo"},
      {{kOne, "--repo", "lab/other"}, "hf_w", 1, "lab/other"},
      {{kOne, "--repo", "lab/cache@dev"}, "hf_w", 1, "no branch 'dev'"},
      {{kOne}, "hf_r", 1, "lab/cache"},
      {{kOne}, "", 1, "lab/cache"},
  };
  for (const Row& row : rows) {
    Words words{"retract", "--yes", "--mountpoint", root};
    words.insert(words.end(), row.words.begin(), row.words.end());
    const Ended ended = neffs(words, {{"HF_TOKEN", row.token}, {"CUSTOM_CACHE_REPO", "lab/cache"}});
    EXPECT_EQ(ended.exit_code, row.exit_code) << ended.err;
    EXPECT_NE(ended.err.find(row.said), std::string::npos) << ended.err;
    EXPECT_EQ(ended.err.find("neffs: "), 0U) << ended.err;
  }
  EXPECT_EQ(commits(), before);
  const Ended ended = neffs({"retract", kOne, "--yes", "--mountpoint", root},
                            {{"HF_TOKEN", "hf_w"}, {"CUSTOM_CACHE_REPO", "lab/cache"}});
  EXPECT_EQ(ended.exit_code, 0) << "no mount is needed: " << ended.err;
  EXPECT_FALSE(is_in_repo(kOne));
}

TEST_F(PublishCommandsTest, CreateMakesAPrivateRepoAndTheDefault) {
  const Ended ended = as_ada({"create"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out.find("created ada/optimum-neuron-cache (private)\n"), 0U) << ended.out;
  const TestRepo& made = hub_.repo("ada/optimum-neuron-cache");
  EXPECT_TRUE(made.settings().is_private);
  const auto attributes = made.find(made.head(), ".gitattributes");
  ASSERT_TRUE(attributes);
  const std::string text = read_all(*made.content(*attributes));
  for (const char* pattern : {"\n*.neff filter=lfs", "\n*.hlo* filter=lfs"})
    EXPECT_NE(text.find(pattern), std::string::npos) << text;

  const auto head = made.head();
  const Ended again = as_ada({"create", "--name", "optimum-neuron-cache", "--public"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.out.find("there already: ada/optimum-neuron-cache (private)\n"), 0U) << again.out;
  EXPECT_EQ(made.head(), head) << "it says all that it has to";

  // The default is what is mounted, published to, and stored without new lines in .gitattributes.
  const auto mounted = mount_as({.source = "",
                                 .options = {"settle=0.2", "commit_interval=0"},
                                 .variables = {{"HF_TOKEN", "hf_w"}}});
  EXPECT_EQ(mounted->status().at("sources").at(0).at("repo"), "ada/optimum-neuron-cache");
  compile_in(mounted->root(), kOne);
  ASSERT_TRUE(eventually([&] { return mounted->status().at("push").at("pushed") == 1; }));
  const auto neff = made.find(made.head(), kOne + "/model.neff");
  ASSERT_TRUE(neff);
  EXPECT_TRUE(neff->lfs);
  EXPECT_EQ(read_all(*made.content(*made.find(made.head(), ".gitattributes"))), text);
}

TEST_F(PublishCommandsTest, CreateTakesWhatIsThere) {
  hub_.create_repo("ada/shown");
  const Ended shown = as_ada({"create", "-n", "ada/shown"});
  EXPECT_EQ(shown.exit_code, 1) << "a public one that the token may not write";
  hub_.add_token("hf_all", {.user = "ada", .elsewhere = Role::kWrite});
  const Ended open = neffs({"create", "-n", "ada/shown"}, {{"HF_TOKEN", "hf_all"}});
  EXPECT_EQ(open.exit_code, 0) << open.err;
  EXPECT_NE(open.err.find("ada/shown is public"), std::string::npos) << open.err;
  const Ended next = as_ada({"create", "-n", "lab/cache"});
  EXPECT_EQ(next.exit_code, 0) << next.err;
  EXPECT_NE(next.err.find("ada/shown was the default until now"), std::string::npos) << next.err;
  EXPECT_NE(next.out.find("there already: lab/cache (private)"), std::string::npos) << next.out;
}

TEST_F(PublishCommandsTest, CreateRefusesWhatItCannotDo) {
  struct Row {
    Words words;
    const char* token;
    int exit_code;
  };
  const Row rows[] = {{{"create"}, "", 1},
                      {{"create"}, "hf_bad", 1},
                      {{"create"}, "hf_r", 1},
                      {{"create", "-n", "strangers/cache"}, "hf_w", 1},
                      {{"create", "-n", "a b"}, "hf_w", 2},
                      {{"create", "-n", "a/b/c"}, "hf_w", 2},
                      {{"create", "-n", ""}, "hf_w", 2}};
  const auto before = hub_.repos().names().size();
  for (const Row& row : rows) {
    const Ended ended = neffs(row.words, {{"HF_TOKEN", row.token}});
    EXPECT_EQ(ended.exit_code, row.exit_code) << ended.err;
    EXPECT_EQ(ended.err.find("neffs: "), 0U) << ended.err;
    EXPECT_EQ(ended.out, "");
  }
  EXPECT_EQ(hub_.repos().names().size(), before);
}

}  // namespace
}  // namespace neffs::test
