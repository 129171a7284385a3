// Copies make room and come back; nothing else ever goes.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <string>

#include "tests/mount/disk.h"
#include "tests/mount/numbered_modules.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;

// The evictor looks every few seconds.
constexpr std::chrono::seconds kSoon{40};

class EvictTest : public NumberedModules {
 protected:
  EvictTest() : NumberedModules(3) {}

  // Says when it was last used, as if time had passed.
  static void set_used(const Mount& mounted, int number, std::time_t when) {
    const std::array<timespec, 2> times{timespec{when, 0}, timespec{0, UTIME_OMIT}};
    for (const char* name : {"/model.neff", "/model.done"})
      ASSERT_EQ(
          ::utimensat(AT_FDCWD, mounted.layer(module_path(number) + name).c_str(), times.data(), 0),
          0);
  }
  Ended evict(const Mount& mounted, std::vector<std::string> words) {
    words.insert(words.begin(), "evict");
    words.insert(words.end(), {"--mountpoint", mounted.root().string()});
    return neffs(words);
  }
};
NEFFS_BOTH_WAYS(EvictTest);

// What neffs reads for itself is no use of it.
TEST_P(EvictTest, WhatNobodyUsesDoesNotGetYounger) {
  const auto mounted = mount_cache();
  use(*mounted, 1);
  set_used(*mounted, 1, 1'000'000);
  EXPECT_EQ(stat_error(*mounted / neff_of(1)), 0);
  EXPECT_TRUE(eventually([&] { return mounted->status()["push"]["counting"] == false; }));
  struct stat st {};
  ASSERT_EQ(::stat(mounted->layer(neff_of(1)).c_str(), &st), 0);
  EXPECT_EQ(st.st_atim.tv_sec, 1'000'000);
}

TEST_P(EvictTest, WhatWasUsedLongestAgoGoesFirst) {
  const auto mounted = mount_cache();
  for (const int number : {1, 2, 3}) use(*mounted, number);
  set_used(*mounted, 1, 3'000'000);
  set_used(*mounted, 2, 1'000'000);
  set_used(*mounted, 3, 2'000'000);
  const Ended ended = evict(*mounted, {"--to", "400K"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, "2 modules removed, 586 KiB\n");
  EXPECT_TRUE(is_here(*mounted, 1));
  EXPECT_FALSE(is_here(*mounted, 2));
  EXPECT_FALSE(is_here(*mounted, 3));
}

// Nobody who uses the mount sees a difference, but for the time of a download.
TEST_P(EvictTest, WhatIsGoneComesBackWhenItIsOpened) {
  const auto mounted = mount_cache();
  use(*mounted, 1);
  const Ended ended = evict(*mounted, {module_path(1)});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(stat_error(mounted->layer(module_path(1))), ENOENT);
  EXPECT_EQ(stat_error(*mounted / (module_path(1) + "/model.done")), 0);
  EXPECT_EQ(read_file(*mounted / neff_of(1)).text, neff_bytes(1));
  EXPECT_EQ(downloads_of(1), 2U) << requests();
  EXPECT_TRUE(eventually([&] { return is_here(*mounted, 1); }));
}

TEST_P(EvictTest, TheSizeThatWasSetIsKept) {
  const auto mounted = mount_cache({"cache_size=700000"});
  EXPECT_EQ(mounted->status()["quota_bytes"], 700'000);
  use(*mounted, 1);
  use(*mounted, 2);
  set_used(*mounted, 2, 1'000'000);
  EXPECT_EQ(read_file(*mounted / neff_of(3)).text, neff_bytes(3));
  EXPECT_TRUE(eventually([&] { return !is_here(*mounted, 2) && is_here(*mounted, 3); }, kSoon));
  EXPECT_TRUE(is_here(*mounted, 1));
  EXPECT_LE(mounted->status()["layer_bytes"], 700'000);
}

TEST_P(EvictTest, RoomOnTheDiskIsMade) {
  const auto mounted = mount_cache({"min_free=1000T"});
  use(*mounted, 1);
  set_used(*mounted, 1, 1'000'000);
  EXPECT_TRUE(eventually(
      [&] {
        if (is_here(*mounted, 1)) return false;
        EXPECT_EQ(read_file(*mounted / neff_of(1)).text, neff_bytes(1));
        return downloads_of(1) == 2;
      },
      kSoon));
}

// Copies are the first to go where somebody has no room, without waiting for the next look around.
TEST_P(EvictTest, AFetchWithoutRoomTakesThatOfCopies) {
  Disk disk("tmpfs", 24U << 20U, scratch_ / "mnt");
  const auto mounted = mount_cache();
  use(*mounted, 1);
  use(*mounted, 2);
  set_used(*mounted, 2, 1'000'000);
  write_file(*mounted / "ours", "ours");
  disk.fill();
  EXPECT_EQ(read_file(*mounted / neff_of(3)), (Bytes{0, neff_bytes(3)})) << mounted->daemon().err();
  EXPECT_FALSE(is_here(*mounted, 2));
  EXPECT_TRUE(is_here(*mounted, 1));
  EXPECT_EQ(read_file(*mounted / "ours").text, "ours");
  // Nothing that could go: an error, at once.
  const fs::UniqueFd one(::open((*mounted / neff_of(1)).c_str(), O_RDONLY | O_CLOEXEC));
  const fs::UniqueFd three(::open((*mounted / neff_of(3)).c_str(), O_RDONLY | O_CLOEXEC));
  disk.fill();
  EXPECT_EQ(read_file(*mounted / neff_of(2)).error, ENOSPC);
  disk.make_room();
  EXPECT_EQ(read_file(*mounted / neff_of(2)).text, neff_bytes(2));
}

TEST_P(EvictTest, WhatIsOpenStays) {
  const auto mounted = mount_cache();
  use(*mounted, 1);
  const fs::UniqueFd open(::open((*mounted / neff_of(1)).c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(open);
  const Ended ended = evict(*mounted, {module_path(1)});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find("1 module had to stay"), std::string::npos) << ended.err;
  EXPECT_TRUE(is_here(*mounted, 1));
}

TEST_P(EvictTest, WhatCannotBeHadAgainStays) {
  const auto mounted = mount_cache({"poll=0", "hub_timeout=0.3"});
  use(*mounted, 1);
  use(*mounted, 2);
  repo_.commit({{neff_of(2), "another one", true}});  // the copy of 2 is the last of its kind
  stdfs::create_directories(*mounted / module_path(9));
  write_file(*mounted / neff_of(9), "ours");
  write_file(*mounted / (module_path(9) + "/model.done"), "");
  hub_.stop();
  EXPECT_NE(evict(*mounted, {module_path(1)}).exit_code, 0);
  EXPECT_TRUE(is_here(*mounted, 1));
  EXPECT_EQ(evict(*mounted, {"--to", "0"}).exit_code, 0);
  EXPECT_TRUE(is_here(*mounted, 1));
  EXPECT_TRUE(is_here(*mounted, 9));
  start_hub_again();
}

// What was changed behind the mount has to be found out when it is opened: its record must stay.
TEST_P(EvictTest, WhatWasChangedBehindTheMountStaysKnown) {
  const auto mounted = mount_cache();
  use(*mounted, 1);
  ASSERT_EQ(::truncate(mounted->layer(neff_of(1)).c_str(), 5), 0);
  EXPECT_EQ(evict(*mounted, {module_path(1)}).exit_code, 1);
  EXPECT_EQ(read_file(*mounted / neff_of(1)).text, neff_bytes(1));
}

// Records of files that are gone take no room.
TEST_P(EvictTest, WhatIsGoneAlreadyDoesNotCount) {
  {
    const auto mounted = mount_cache();
    use(*mounted, 1);
    use(*mounted, 2);
  }
  stdfs::remove_all(scratch_ / "mnt" / module_path(1));
  const auto mounted = mount_cache({"cache_size=400000"});
  EXPECT_TRUE(eventually([&] { return mounted->status()["layer_bytes"] == kNeffBytes; }, kSoon));
  EXPECT_TRUE(is_here(*mounted, 2));
}

// Who has the folder of a module as his own finds the module in it when it has come back.
TEST_P(EvictTest, AFolderThatSomebodyIsInStaysTheSame) {
  const auto mounted = mount_cache({"poll=0.1"});
  use(*mounted, 1);
  const fs::UniqueFd folder(
      ::open((*mounted / module_path(1)).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  ASSERT_TRUE(folder);
  EXPECT_EQ(evict(*mounted, {module_path(1)}).exit_code, 0);
  use(*mounted, 1);
  // Another commit has the kernel look every name up again.
  const auto head = repo_.commit({{"README.md", "new"}});
  EXPECT_TRUE(eventually([&] { return mounted->status()["sources"][0]["commit"] == head; }));
  EXPECT_EQ(stat_error(*mounted / neff_of(1)), 0);
  struct stat st {};
  EXPECT_EQ(::fstatat(folder.get(), "model.done", &st, 0), 0) << std::strerror(errno);
  EXPECT_EQ(::fstatat(folder.get(), "model.neff", &st, 0), 0) << std::strerror(errno);
  EXPECT_EQ(st.st_size, static_cast<off_t>(kNeffBytes));
}

// What was compiled here or found here is nobody's to remove.
TEST_P(EvictTest, OnlyCopiesGo) {
  stdfs::create_directories(scratch_ / "mnt" / module_path(8));
  write_file(scratch_ / "mnt" / neff_of(8), "found");
  write_file(scratch_ / "mnt" / (module_path(8) + "/model.done"), "");
  const auto mounted = mount_cache();
  use(*mounted, 1);
  stdfs::create_directories(*mounted / module_path(9));
  write_file(*mounted / neff_of(9), "ours");
  write_file(*mounted / (module_path(9) + "/model.done"), "");
  const Ended ended = evict(*mounted, {"--to", "0"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_FALSE(is_here(*mounted, 1));
  EXPECT_TRUE(is_here(*mounted, 8));
  EXPECT_TRUE(is_here(*mounted, 9));
}

TEST_P(EvictTest, WhatItIsToldWronglyItSays) {
  const auto mounted = mount_cache({"offline"});
  EXPECT_EQ(neffs({"evict"}).exit_code, 2);
  EXPECT_EQ(evict(*mounted, {"--to", "much"}).exit_code, 2);
  EXPECT_EQ(evict(*mounted, {"--to", "1G", module_path(1)}).exit_code, 2);
  const Ended offline = evict(*mounted, {"--to", "0"});
  EXPECT_EQ(offline.exit_code, 1);
  EXPECT_NE(offline.err.find("read-only or offline"), std::string::npos) << offline.err;
}

}  // namespace
}  // namespace neffs::test
