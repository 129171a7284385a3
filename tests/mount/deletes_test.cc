// Deleting, renaming and restoring what a repo has, as programs do it.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string>

#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;
using Names = std::set<std::string>;

const std::string kModule = sample::kTrainingModule;
const std::string kNeff = kModule + "/model.neff";
const std::string kDone = kModule + "/model.done";

class DeletesBothWays : public MountTestBothWays {
 protected:
  DeletesBothWays() { sample::create(hub_); }

  std::unique_ptr<Mount> mount_sample() { return mount({way()}); }
  void expect_success(const std::vector<std::string>& words) {
    const Ended ended = command(words);
    EXPECT_EQ(ended.exit_code, 0) << words.front() << ": " << ended.err;
  }
  // What is fetched gets its name after its reader has it: until then a folder may fill up behind rm.
  static void read_whole(const Mount& mounted) {
    EXPECT_EQ(read_file(mounted / kNeff).error, 0);
    EXPECT_TRUE(eventually([&] { return stat_error(mounted.layer(kDone)) == 0; }));
  }
  void expect_nothing_written() {
    EXPECT_EQ(hub_.traffic().count({.method = "POST"}), 0U);
    EXPECT_EQ(hub_.traffic().count({.method = "PUT"}), 0U);
    EXPECT_EQ(hub_.traffic().count({.method = "DELETE"}), 0U);
  }
};
NEFFS_BOTH_WAYS(DeletesBothWays);

TEST_P(DeletesBothWays, AModuleIsGoneForGoodAndOnlyHere) {
  {
    const auto mounted = mount_sample();
    read_whole(*mounted);
    expect_success({"rm", "-rf", (*mounted / kModule).string()});
    EXPECT_EQ(stat_error(*mounted / kModule), ENOENT);
    EXPECT_FALSE(names_in(*mounted / sample::kVersion).contains(stdfs::path(kModule).filename()));
  }
  const auto mounted = mount_sample();
  EXPECT_EQ(stat_error(*mounted / kDone), ENOENT) << "after a remount";
  stdfs::create_directory(*mounted / kModule);
  EXPECT_EQ(names_in(*mounted / kModule), Names{});
  EXPECT_EQ(stat_error(*mounted / kDone), ENOENT);
  EXPECT_EQ(stat_error(*mounted / (sample::kTransformerModule + "/model.done")), 0);
  expect_nothing_written();
}

TEST_P(DeletesBothWays, ACompilerFolderShowsItsModulesWhenItIsMadeAgain) {
  const auto mounted = mount_sample();
  read_whole(*mounted);
  EXPECT_EQ(stat_error(*mounted / (sample::kTransformerModule + "/model.done")), 0);
  expect_success({"rm", "-rf", (*mounted / sample::kVersion).string()});
  EXPECT_EQ(stat_error(*mounted / sample::kVersion), ENOENT);
  EXPECT_FALSE(names_in(mounted->root()).contains(sample::kVersion));
  stdfs::create_directory(*mounted / sample::kVersion);
  EXPECT_EQ(stat_error(*mounted / kDone), 0);
  EXPECT_EQ(read_file(*mounted / kNeff).text, sample::bytes_of(kNeff));
  expect_nothing_written();
}

TEST_P(DeletesBothWays, EverythingGoesButTheRoot) {
  const auto mounted = mount_sample();
  read_whole(*mounted);
  write_file(*mounted / "mine", "x");
  const Ended ended = command({"rm", "-rf", mounted->root().string()});
  EXPECT_NE(ended.err.find("busy"), std::string::npos) << ended.err;
  EXPECT_EQ(names_in(mounted->root()), Names{});
  EXPECT_EQ(names_in(mounted->layer()), Names{".cache"});
  EXPECT_EQ(::rmdir(mounted->root().c_str()), -1);
  EXPECT_EQ(errno, EBUSY);
  EXPECT_LE(hub_.traffic().count({.kind = Kind::kResolveGet}), 4U) << requests();
  expect_nothing_written();
}

TEST_P(DeletesBothWays, RestoreBringsItBackAtOnce) {
  const auto mounted = mount_sample();
  stdfs::remove(*mounted / "README.md");
  stdfs::remove_all(*mounted / kModule);
  EXPECT_EQ(stat_error(*mounted / "README.md"), ENOENT);
  EXPECT_EQ(stat_error(*mounted / kDone), ENOENT);
  const Ended ended =
      neffs({"restore", (*mounted / "README.md").string(), (*mounted / kModule).string()});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, "restored README.md\nrestored " + kModule + "\n");
  EXPECT_EQ(stat_error(*mounted / "README.md"), 0) << "the kernel has forgotten that it was gone";
  EXPECT_EQ(read_file(*mounted / kNeff).text, sample::bytes_of(kNeff));
  const Ended again = neffs({"restore", (*mounted / "README.md").string()});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_NE(again.err.find("nothing was deleted there"), std::string::npos) << again.err;
}

TEST_P(DeletesBothWays, AFileOfTheRepoIsRenamedAndLinked) {
  const auto mounted = mount_sample();
  stdfs::rename(*mounted / "README.md", *mounted / "READ.ME");
  EXPECT_EQ(read_file(*mounted / "READ.ME").text, sample::bytes_of("README.md"));
  EXPECT_EQ(stat_error(*mounted / "README.md"), ENOENT);
  stdfs::create_hard_link(*mounted / kNeff, *mounted / "work.neff");
  EXPECT_EQ(read_file(*mounted / "work.neff").text, sample::bytes_of(kNeff));
  EXPECT_EQ(stdfs::hard_link_count(*mounted / kNeff), 2U);
  EXPECT_EQ(read_file(*mounted / kNeff).text, sample::bytes_of(kNeff));
}

TEST_P(DeletesBothWays, AModuleOfTheRepoIsMovedByCopying) {
  const auto mounted = mount_sample();
  const auto bad = *mounted / (kModule + ".bad");
  EXPECT_EQ(std::rename((*mounted / kModule).c_str(), bad.c_str()), -1);
  EXPECT_EQ(errno, EXDEV);
  expect_success({"mv", (*mounted / kModule).string(), bad.string()});
  EXPECT_EQ(read_file(bad / "model.neff").text, sample::bytes_of(kNeff));
  EXPECT_EQ(stat_error(*mounted / kModule), ENOENT);
}

TEST_P(DeletesBothWays, AttributesOfARemoteFileAreItsOwn) {
  const auto mounted = mount_sample();
  expect_success({"chmod", "0640", (*mounted / "README.md").string()});
  expect_success({"touch", "-d", "2024-01-01 UTC", (*mounted / kNeff).string()});
  struct stat st {};
  EXPECT_EQ(::stat((*mounted / "README.md").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0640U);
  EXPECT_EQ(::stat((*mounted / kNeff).c_str(), &st), 0);
  EXPECT_EQ(st.st_mtim.tv_sec, 1'704'067'200);
  EXPECT_EQ(read_file(*mounted / kNeff).text, sample::bytes_of(kNeff));
  EXPECT_EQ(::truncate((*mounted / "README.md").c_str(), 3), 0);
  EXPECT_EQ(read_file(*mounted / "README.md").text, sample::bytes_of("README.md").substr(0, 3));
}

TEST_P(DeletesBothWays, AnOutputHidesTheRemoteModuleAtOnce) {
  const auto mounted = mount_sample();
  EXPECT_EQ(stat_error(*mounted / kDone), 0);
  write_file(*mounted / kNeff, "mine");
  EXPECT_EQ(stat_error(*mounted / kDone), ENOENT) << "not a moment later";
  EXPECT_EQ(names_in(*mounted / kModule), Names{"model.neff"});
}

// A store through a mapping is no request: what the kernel remembers of the file is refreshed when
// the file is closed.
TEST_P(DeletesBothWays, AStoreThroughAMappingShowsInTheTimes) {
  const auto mounted = mount_sample();
  write_file(*mounted / "mapped", std::string(4096, 'a'));
  expect_success({"touch", "-d", "2024-01-01 UTC", (*mounted / "mapped").string()});
  struct stat st {};
  EXPECT_EQ(::stat((*mounted / "mapped").c_str(), &st), 0);
  EXPECT_EQ(st.st_mtim.tv_sec, 1'704'067'200);
  store_by_mmap(*mounted / "mapped", "b");
  EXPECT_TRUE(eventually([&] {
    return ::stat((*mounted / "mapped").c_str(), &st) == 0 && st.st_mtim.tv_sec > 1'704'067'200;
  }));
  EXPECT_EQ(read_file(mounted->layer("mapped")).text.substr(0, 2), "ba");
}

class DeletesTest : public MountTest {
 protected:
  DeletesTest() { sample::create(hub_); }
};

TEST_F(DeletesTest, OthersMayNotRestore) {
  const auto mounted = mount();
  stdfs::remove(*mounted / "README.md");
  const Ended ended = command({"setpriv", "--reuid=12345", "--regid=12345", "--clear-groups",
                               NEFFS_PROGRAM, "restore", (*mounted / "README.md").string()});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find("only root and the user who mounted"), std::string::npos) << ended.err;
  EXPECT_EQ(stat_error(*mounted / "README.md"), ENOENT);
}

TEST_F(DeletesTest, RestoreWithoutAMountSaysSo) {
  const Ended ended = neffs({"restore", "--mountpoint", (scratch_ / "nowhere").string(), "x"});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find("not mounted"), std::string::npos) << ended.err;
}

}  // namespace
}  // namespace neffs::test
