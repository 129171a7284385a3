// Copies follow their source, and what is local comes first.
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;

const std::string kModule = sample::kVersion + "/MODULE_4711+e30acd3a";
const std::string kOther = sample::kVersion + "/MODULE_4712+e30acd3a";

class CopiesTest : public MountTestBothWays {
 protected:
  CopiesTest() { commit("one"); }

  void commit(const std::string& text) {
    repo_.commit({{kModule + "/compile_flags.json", "[]"},
                  {kModule + "/model.neff", text + std::string(200, '\1'), true},
                  {kModule + "/model.done", ""},
                  {kOther + "/model.neff", std::string(300, '\2'), true},
                  {kOther + "/model.done", ""}});
  }
  std::unique_ptr<Mount> mount_cache() {
    return mount_as({.source = "team/cache", .options = {way()}});
  }
  static std::string neff(const std::string& text) { return text + std::string(200, '\1'); }
  void expect_placed(const Mount& mounted, const std::string& module) {
    EXPECT_TRUE(eventually([&] { return stat_error(mounted.layer(module + "/model.done")) == 0; }));
  }
  void read_both_modules() {
    const auto mounted = mount_cache();
    EXPECT_EQ(read_file(*mounted / (kModule + "/model.neff")).text, neff("one"));
    EXPECT_EQ(read_file(*mounted / (kModule + "/compile_flags.json")).text, "[]");
    EXPECT_EQ(read_file(*mounted / (kOther + "/model.neff")).error, 0);
    expect_placed(*mounted, kModule);
    expect_placed(*mounted, kOther);
  }
  std::size_t downloads_of(const std::string& path) {
    return hub_.traffic().count({.kind = Kind::kResolveGet, .text = path});
  }

  TestRepo& repo_ = hub_.create_repo("team/cache");
};
NEFFS_BOTH_WAYS(CopiesTest);

// SEMANTICS 2: changed there, the new bytes are served; unchanged is not fetched again.
TEST_P(CopiesTest, AChangedModuleIsServedAnew) {
  read_both_modules();
  commit("two");
  hub_.traffic().reset();
  const auto mounted = mount_cache();
  EXPECT_EQ(stat_error(*mounted / (kModule + "/model.done")), 0);
  EXPECT_EQ(read_file(*mounted / (kModule + "/model.neff")).text, neff("two"));
  EXPECT_EQ(read_file(*mounted / (kModule + "/compile_flags.json")).text, "[]");
  EXPECT_EQ(read_file(*mounted / (kOther + "/model.neff")).text, std::string(300, '\2'));
  EXPECT_EQ(downloads_of(kModule + "/model.neff"), 1U);
  EXPECT_EQ(downloads_of(kModule + "/compile_flags.json"), 0U);
  EXPECT_EQ(downloads_of(kOther + "/model.neff"), 0U);
}

// SEMANTICS 2: removed there, it is gone here too, from the layer as well.
TEST_P(CopiesTest, ARemovedModuleIsGone) {
  read_both_modules();
  repo_.commit({}, {kModule + "/"});
  const auto mounted = mount_cache();
  EXPECT_EQ(stat_error(*mounted / (kModule + "/model.done")), ENOENT);
  EXPECT_EQ(stat_error(*mounted / (kModule + "/model.neff")), ENOENT);
  EXPECT_EQ(stat_error(mounted->layer(kModule + "/model.done")), ENOENT);
  EXPECT_EQ(stat_error(mounted->layer(kModule + "/model.neff")), ENOENT);
  EXPECT_EQ(stat_error(*mounted / (kOther + "/model.done")), 0);
}

// SEMANTICS 2: only a tree that was read removes anything, never an error of the Hub.
TEST_P(CopiesTest, ErrorsOfTheHubRemoveNothing) {
  read_both_modules();
  commit("two");
  for (const int status : {401, 403, 404, 500}) {
    hub_.faults().clear();
    hub_.faults().add({.kind = Kind::kTree}, Fault::answer(status));
    const auto mounted = mount_as({.source = "team/cache", .options = {way(), "hub_timeout=0.3"}});
    stat_error(*mounted / (kModule + "/model.done"));
    EXPECT_EQ(stat_error(mounted->layer(kModule + "/model.done")), 0) << status;
    EXPECT_EQ(read_file(mounted->layer(kModule + "/model.neff")).text, neff("one")) << status;
  }
}

// SEMANTICS 7 and section 1: a module compiled here hides the remote one, whatever that is.
TEST_P(CopiesTest, ALocalModuleHidesTheRemoteOne) {
  {
    const auto mounted =
        mount_as({.source = "",
                  .options = {way()},
                  .variables = {{"CUSTOM_CACHE_REPO", "none"}, {"HF_HUB_OFFLINE", "1"}}});
    stdfs::create_directories(*mounted / kModule);
    write_file(*mounted / (kModule + "/model.neff"), "mine");
    write_file(*mounted / (kModule + "/model.done"), "");
  }
  for (int round = 0; round < 2; ++round) {
    const auto mounted = mount_cache();
    EXPECT_EQ(read_file(*mounted / (kModule + "/model.neff")).text, "mine");
    EXPECT_EQ(names_in(*mounted / kModule), (std::set<std::string>{"model.done", "model.neff"}));
    EXPECT_EQ(stat_error(*mounted / (kModule + "/compile_flags.json")), ENOENT);
    EXPECT_EQ(mounted->status()["reads"]["fetched"], 0);
  }
}

// SEMANTICS 1: later damage of a copy is found by its size or time, and it is fetched again.
TEST_P(CopiesTest, ADamagedCopyIsFetchedAgain) {
  read_both_modules();
  const auto neff_file = scratch_ / "mnt" / kModule / "model.neff";
  std::string other_bytes = neff("one");
  other_bytes[5] = '!';
  for (const std::string& damaged :
       {neff("one").substr(0, 10), neff("one") + "more", other_bytes}) {
    write_file(neff_file, damaged);
    const auto mounted = mount_cache();
    EXPECT_EQ(read_file(*mounted / (kModule + "/model.neff")).text, neff("one"));
    EXPECT_TRUE(eventually(
        [&] { return read_file(mounted->layer(kModule + "/model.neff")).text == neff("one"); }));
  }
}

// … also while it is mounted.
TEST_P(CopiesTest, ACopyDamagedBelowTheMountIsFetchedAgain) {
  const auto mounted = mount_cache();
  EXPECT_EQ(read_file(*mounted / (kModule + "/model.neff")).text, neff("one"));
  expect_placed(*mounted, kModule);
  write_file(mounted->layer(kModule + "/model.neff"), "scribbled over");
  EXPECT_EQ(read_file(*mounted / (kModule + "/model.neff")).text, neff("one"));
}

// Section 1, pitfall 14: an existing cache directory that is mounted over is simply there.
TEST_P(CopiesTest, AnExistingCacheIsAdopted) {
  const auto cache = scratch_ / "mnt";
  const std::string own = sample::kVersion + "/MODULE_999+e30acd3a";
  stdfs::create_directories(cache / own);
  stdfs::create_directories(cache / kModule);
  write_file(cache / own / "model.neff", "found");
  write_file(cache / own / "model.done", "");
  write_file(cache / kModule / "model.neff", "found too");
  write_file(cache / kModule / "model.done", "");
  ASSERT_EQ(::symlink("model.neff", (cache / own / "link").c_str()), 0);
  const auto mounted = mount_cache();
  EXPECT_EQ(read_file(*mounted / (own + "/model.neff")).text, "found");
  EXPECT_EQ(read_file(*mounted / (own + "/link")).text, "found");
  EXPECT_EQ(read_file(*mounted / (kModule + "/model.neff")).text, "found too");
  EXPECT_EQ(read_file(*mounted / (kOther + "/model.neff")).error, 0);
  EXPECT_EQ(names_in(*mounted / sample::kVersion).count("MODULE_999+e30acd3a"), 1U);
}

// Writing to a copy makes it ours: it is not fetched over, and its bytes stay.
TEST_P(CopiesTest, AWrittenCopyStaysOurs) {
  read_both_modules();
  {
    const auto mounted = mount_cache();
    write_file(*mounted / (kModule + "/model.neff"), "rewritten");
    EXPECT_EQ(read_file(*mounted / (kModule + "/model.neff")).text, "rewritten");
  }
  commit("two");
  const auto mounted = mount_cache();
  EXPECT_EQ(read_file(*mounted / (kModule + "/model.neff")).text, "rewritten");
}

// SEMANTICS 13: between mounts and through them the layer is one plain directory.
TEST_P(CopiesTest, PlainFilesBehaveAsInAPlainDirectory) {
  const auto mounted = mount_cache();
  const auto file = *mounted / "a/b/c.txt";
  stdfs::create_directories(*mounted / "a/b");
  write_file(file, "one");
  {
    const auto fd = open_file(file, O_WRONLY | O_APPEND);
    ASSERT_EQ(::write(fd.get(), "two", 3), 3);
  }
  EXPECT_EQ(read_file(file).text, "onetwo");
  EXPECT_EQ(read_file(mounted->layer("a/b/c.txt")).text, "onetwo");
  stdfs::rename(file, *mounted / "a/d.txt");
  EXPECT_EQ(stat_error(file), ENOENT);
  EXPECT_EQ(read_file(*mounted / "a/d.txt").text, "onetwo");
  stdfs::create_hard_link(*mounted / "a/d.txt", *mounted / "e.txt");
  EXPECT_EQ(stdfs::hard_link_count(*mounted / "e.txt"), 2U);
  write_file(*mounted / "e.txt", "three");
  EXPECT_EQ(read_file(*mounted / "a/d.txt").text, "three");
  stdfs::resize_file(*mounted / "e.txt", 2);
  EXPECT_EQ(read_file(*mounted / "a/d.txt").text, "th");
  EXPECT_EQ(stdfs::remove_all(*mounted / "a"), 3U);
  EXPECT_EQ(stat_error(*mounted / "a"), ENOENT);
}

}  // namespace
}  // namespace neffs::test
