// `neffs synchronize`: a plain cache directory is published, by the rules of a mount.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/mount/lab_cache.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;
using nlohmann::json;
using Words = std::vector<std::string>;

const std::string kOld = sample::kOldVersion + "/MODULE_44+2c2d707e";

class SynchronizeTest : public LabCacheTest {
 protected:
  SynchronizeTest() { stdfs::create_directories(cache_); }

  void write(const std::string& path, const std::string& text) const {
    stdfs::create_directories((cache_ / path).parent_path());
    write_file(cache_ / path, text);
  }
  void compile(const std::string& module, const std::string& neff = "neff") const {
    compile_in(cache_, module, neff);
  }
  Words words(const Words& more = {}) const {
    Words all{"synchronize",   "--repo_id", "lab/cache", "--cache_dir",
              cache_.string(), "--settle",  "0"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Ended synchronize(const Words& more = {}) const {
    return neffs(words(more), {{"HF_TOKEN", "hf_w"}});
  }
  json synchronized(int exit_code = 0) const {
    const Ended ended = synchronize({"--json"});
    EXPECT_EQ(ended.exit_code, exit_code) << ended.err;
    return json::parse(ended.out);
  }

  std::size_t commits() const { return repo_.history(repo_.head()).size(); }
  std::string in_repo(const std::string& path) const {
    const auto entry = repo_.find(repo_.head(), path);
    return entry ? read_all(*repo_.content(*entry)) : "(absent)";
  }
  bool is_in_repo(const std::string& path) const {
    return repo_.find(repo_.head(), path).has_value();
  }

  TestRepo& repo_ = hub_.create_repo("lab/cache", {.is_private = true});
  const stdfs::path cache_ = scratch_ / "cache";
};

// SEMANTICS 29: what is whole goes in one piece, and nothing else does.
TEST_F(SynchronizeTest, WhatIsWholeIsPublishedAndNothingElse) {
  compile(kOne);
  compile(kTwo);
  write(kOld + "/model.neff", std::string(8000, '\x01'));
  const std::string failed = sample::kVersion + "/MODULE_33+e30acd3a";
  write(failed + "/model.hlo_module.pb", "hlo");
  write(failed + "/model.log", "Failed compilation with ['neuronx-cc']");
  const std::string half = sample::kVersion + "/MODULE_55+e30acd3a";
  write(half + "/model.neff", "neff");
  const std::string locked = sample::kVersion + "/MODULE_66+e30acd3a";
  compile(locked);
  write(locked + "/model.hlo_module.pb.lock", "");
  const auto registry = sample::kVersion + "/0_REGISTRY/0.4.5/";
  const auto entry = registry + std::string(64, 'a') + "/1f.json";
  write(entry, R"({"neuron": {}})");
  stdfs::create_directories(cache_ / registry / "llama/org/model");
  stdfs::create_symlink(cache_ / entry, cache_ / registry / "llama/org/model/1f.json");
  write("lock", "");
  write(kOne + ".bad/model.done", "");
  write("notes.txt", "mine");
  const auto before = commits();

  const Ended ended = synchronize();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out,
            "pushed 5 modules to lab/cache in 1 commit, " + repo_.head().substr(0, 12) + " now\n");
  EXPECT_EQ(ended.err, "neffs: warning: " + failed +
                           ": not published: a failed compilation\n"
                           "neffs: warning: " +
                           half +
                           ": not published: no model.done\n"
                           "neffs: warning: " +
                           locked + ": not published: locked\n");
  EXPECT_EQ(commits(), before + 1);
  for (const auto& module : {kOne, kTwo}) {
    EXPECT_EQ(in_repo(module + "/model.neff"), std::string("\0\1", 2) + "neff");
    EXPECT_EQ(in_repo(module + "/model.done"), "");
    EXPECT_TRUE(is_in_repo(module + "/compile_flags.json"));
  }
  EXPECT_TRUE(is_in_repo(kOld + "/model.neff")) << "whoever says synchronize means them too";
  EXPECT_EQ(in_repo(registry + "llama/org/model/1f.json"), R"({"neuron": {}})");
  for (const auto& path : {failed, half, locked, kOne + ".bad", std::string("lock"),
                           std::string("notes.txt"), std::string(".cache")})
    EXPECT_FALSE(is_in_repo(path)) << path;
}

// SEMANTICS 29: what was pushed is known, and is not looked at in the repo again.
TEST_F(SynchronizeTest, ASecondRunAsksForTheHeadAlone) {
  compile(kOne);
  repo_.commit({{kTwo + "/model.neff", std::string("\0theirs", 7)}, {kTwo + "/model.done", ""}});
  compile(kTwo, "ours");
  const auto first = synchronized();
  EXPECT_EQ(first.at("pushed"), 1) << first;
  EXPECT_EQ(first.at("superseded"), 1) << first;
  EXPECT_EQ(in_repo(kTwo + "/model.neff"), std::string("\0theirs", 7)) << "the first writer wins";
  EXPECT_EQ(first.at("commit"), repo_.head());

  const auto before = hub_.traffic().total();
  const auto head = repo_.head();
  const Ended again = synchronize();
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.out, "nothing new for lab/cache at " + head.substr(0, 12) +
                           "\n1 module there since an earlier time\n");
  EXPECT_EQ(hub_.traffic().total() - before, 1U) << requests();
  EXPECT_EQ(repo_.head(), head);
}

TEST_F(SynchronizeTest, WhatComesLaterFollows) {
  compile(kOne);
  EXPECT_EQ(synchronized().at("pushed"), 1);
  write(kOne + "/wrapped_neff.hlo", std::string("\0w", 2));
  compile(kTwo);
  const auto next = synchronized();
  EXPECT_EQ(next.at("pushed"), 2) << next;
  EXPECT_EQ(next.at("commits"), 1);
  EXPECT_EQ(in_repo(kOne + "/wrapped_neff.hlo"), std::string("\0w", 2));
  EXPECT_TRUE(is_in_repo(kTwo + "/model.done"));
}

// SEMANTICS 29: kill -9 costs nothing, and nothing is committed twice.
TEST_F(SynchronizeTest, OneThatWasKilledIsGoneOnWith) {
  compile(kOne);
  compile(kTwo);
  const auto before = commits();
  const auto kill_at = [&](Kind kind, HoldPoint point) {
    Gate gate = hub_.hold({.kind = kind}, point);
    Words program{NEFFS_PROGRAM};
    for (const auto& word : words()) program.push_back(word);
    Child child({program, variables({{"HF_TOKEN", "hf_w"}})});
    EXPECT_TRUE(gate.wait_held(1)) << child.err();
    child.send(SIGKILL);
    EXPECT_TRUE(child.wait());
  };
  kill_at(Kind::kLfsPut, HoldPoint::kBeforeHandling);
  EXPECT_EQ(commits(), before);
  kill_at(Kind::kCommit, HoldPoint::kBeforeAnswering);
  EXPECT_EQ(commits(), before + 1) << "its answer is lost";
  const auto done = synchronized();
  EXPECT_TRUE(is_in_repo(kOne + "/model.done"));
  EXPECT_TRUE(is_in_repo(kTwo + "/model.done"));
  EXPECT_EQ(commits(), before + 1) << done;
}

// What one tool has begun the other goes on with.
TEST_F(SynchronizeTest, AMountKnowsWhatWasPublishedAndTheOtherWayRound) {
  compile(kOne);
  EXPECT_EQ(synchronized().at("pushed"), 1);
  {
    const auto mounted = mount_as({.source = "lab/cache",
                                   .options = {"settle=0.2", "commit_interval=0"},
                                   .directory = "cache",
                                   .variables = {{"HF_TOKEN", "hf_w"}}});
    ASSERT_TRUE(eventually([&] { return !mounted->status().at("push").value("counting", false); }));
    EXPECT_EQ(mounted->status().at("push").at("held"), 0);
    EXPECT_EQ(read_file(*mounted / (kOne + "/model.neff")).text, std::string("\0\1", 2) + "neff");
    stdfs::create_directories(mounted->root() / kTwo);
    for (const auto* name : {"model.neff", "model.done"})
      write_file(mounted->root() / kTwo / name, "");
    ASSERT_TRUE(eventually([&] { return is_in_repo(kTwo + "/model.done"); }));

    const Ended refused = synchronize();
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_NE(refused.err.find("neffs is mounted there, and publishes by itself"),
              std::string::npos)
        << refused.err;
    EXPECT_EQ(neffs({"flush", mounted->root().string(), "--timeout", "20"}, {{"HF_TOKEN", "hf_w"}})
                  .exit_code,
              0);
  }
  const auto after = synchronized();
  EXPECT_EQ(after.at("pushed"), 0) << after;
  EXPECT_EQ(after.at("there_already"), 2) << after;
}

TEST_F(SynchronizeTest, WhatCannotBePublishedIsNamed) {
  compile(kOne);
  compile(kTwo);
  stdfs::create_symlink("/etc/passwd", cache_ / kTwo / "extra");
  const auto done = synchronized(1);
  EXPECT_EQ(done.at("pushed"), 1) << done;
  EXPECT_EQ(done.at("left"),
            json::array({{{"path", kTwo}, {"why", "holds a symlink: extra"}, {"failed", true}}}));
  EXPECT_TRUE(is_in_repo(kOne + "/model.done"));
  EXPECT_FALSE(is_in_repo(kTwo + "/model.done"));
  stdfs::remove(cache_ / kTwo / "extra");
  EXPECT_EQ(synchronized().at("pushed"), 1) << "mended";
}

// SEMANTICS 24: a public repo is published to by name alone.
TEST_F(SynchronizeTest, APublicRepoHasToBeNamed) {
  hub_.create_repo(sample::kRepo);
  hub_.add_token("hf_all", {.user = "ada", .elsewhere = Role::kWrite});
  compile(kOne);
  const Words unnamed{"synchronize", "--cache_dir", cache_.string(), "--settle", "0"};
  const Ended refused = neffs(unnamed, {{"HF_TOKEN", "hf_all"}});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.err.find("nobody has said that it is to be published to"), std::string::npos)
      << refused.err;
  auto named = unnamed;
  named.insert(named.end(), {"--repo_id", sample::kRepo});
  const Ended ended = neffs(named, {{"HF_TOKEN", "hf_all"}});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  const TestRepo& shared = hub_.repo(sample::kRepo);
  EXPECT_TRUE(shared.find(shared.head(), kOne + "/model.done"));
}

TEST_F(SynchronizeTest, RefusesWhatItCannotDo) {
  compile(kOne);
  struct Row {
    Words more;
    const char* token;
    int exit_code;
    std::string said;
  };
  const Row rows[] = {
      {{"--cache_dir", (scratch_ / "none").string()}, "hf_w", 1, "it is no directory"},
      {{"--cache_dir", "s3://bucket/cache"}, "hf_w", 2, "a cache in S3"},
      {{"--repo_id", "lab/none"}, "hf_w", 1, "lab/none"},
      {{"--repo_id", "lab/cache@dev"}, "hf_w", 1, "no branch 'dev'"},
      {{"--repo_id", "lab"}, "hf_w", 2, "lab"},
      {{"--repo_id", "lab/a,lab/b"}, "hf_w", 2, "one repo at a time"},
      {{"--cachedir", "/x"}, "hf_w", 2, "is --cache_dir meant?"},
      {{"--settle", "-1"}, "hf_w", 2, "--settle"},
      {{}, "hf_r", 1, "lab/cache"},
      {{}, "", 1, "lab/cache"}};
  const auto head = repo_.head();
  for (const Row& row : rows) {
    Words all{"synchronize", "--settle=0"};
    const auto has = [&](const char* option) {
      return std::find(row.more.begin(), row.more.end(), option) != row.more.end();
    };
    if (!has("--repo_id")) all.insert(all.end(), {"--repo_id", "lab/cache"});
    if (!has("--cache_dir")) all.insert(all.end(), {"--cache_dir", cache_.string()});
    all.insert(all.end(), row.more.begin(), row.more.end());
    const Ended ended = neffs(all, {{"HF_TOKEN", row.token}});
    EXPECT_EQ(ended.exit_code, row.exit_code) << testing::PrintToString(all) << ended.err;
    EXPECT_EQ(ended.err.find("neffs: "), 0U) << ended.err;
    EXPECT_NE(ended.err.find(row.said), std::string::npos) << ended.err;
    EXPECT_EQ(ended.out, "");
  }
  EXPECT_EQ(repo_.head(), head);
  EXPECT_EQ(synchronized().at("pushed"), 1) << "none of them has laid a hand on it";
}

}  // namespace
}  // namespace neffs::test
