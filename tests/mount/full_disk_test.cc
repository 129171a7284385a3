// A layer whose disk is full: who wants room hears of it, and nobody else is harmed.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "tests/mount/bad_layer.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;

constexpr int kMany = 60;

class FullDisk : public BadLayerTest {
 protected:
  void SetUp() override {
    BadLayerTest::SetUp();
    if (IsSkipped()) return;
    NEFFS_USE_DISK(type(), 24 * kMiB);
    mounted_ = mount_with_files();
    for (int i = 0; i < kMany; ++i) write_file(*mounted_ / ("d/old" + std::to_string(i)), "old");
    disk_->fill();
  }
  void TearDown() override {
    mounted_.reset();
    BadLayerTest::TearDown();
  }
  virtual std::string type() const { return "tmpfs"; }

  std::unique_ptr<Mount> mounted_;
};
NEFFS_BOTH_WAYS(FullDisk);

// SEMANTICS 10: ENOSPC, by whatever way a writer asks for room.
TEST_P(FullDisk, WritersGetEnospc) {
  EXPECT_EQ(append_error(*mounted_ / "mine", std::string(1 << 16, 'x')), ENOSPC);
  const auto file = open_file(*mounted_ / "mine", O_RDWR);
  EXPECT_EQ(error_of(::fallocate(file.get(), 0, 0, 10 * kMiB)), ENOSPC);
  EXPECT_EQ(error_of(::pwrite(file.get(), "x", 1, 8 * kMiB)), ENOSPC);
  const auto in_use = open_file(*mounted_ / kFetched, O_RDONLY);  // else it is what makes room
  EXPECT_EQ(read_file(*mounted_ / kNotFetched).error, ENOSPC);
  EXPECT_EQ(::truncate((*mounted_ / "mine").c_str(), 4), 0);
  expect_reads_go_on(*mounted_);
}

// A store into a hole has no errno: the kernel sends SIGBUS, or, where the pages are its own until
// they are written back, says so when that is asked for.
TEST_P(FullDisk, AMappedHoleIsAnError) {
  ASSERT_EQ(::truncate((*mounted_ / "mine").c_str(), 4 * kMiB), 0);
  const std::string store = R"py(
import mmap, sys
file = open(sys.argv[1], "r+b")
store = mmap.mmap(file.fileno(), 0)
store[2 << 20] = 1
try:
    store.flush()
except OSError as error:
    sys.exit(error.errno)
)py";
  const int ended =
      command({"/usr/bin/python3", "-c", store, (*mounted_ / "mine").string()}).exit_code;
  EXPECT_EQ(ended, mounted_->status()["passthrough"] == true ? -SIGBUS : ENOSPC);
  ASSERT_EQ(::truncate((*mounted_ / "mine").c_str(), 4), 0);
  expect_reads_go_on(*mounted_);
}

// SEMANTICS 10: what has failed has not happened, and what has happened has not failed.
TEST_P(FullDisk, ChangesOfNamesHappenWhollyOrNotAtAll) {
  const std::size_t kinds = name_changes(0).size();
  for (int i = 0; i < kMany; ++i)
    expect_whole_or_nothing(*mounted_, name_changes(i).at(static_cast<std::size_t>(i) % kinds),
                            ENOSPC);
  expect_reads_go_on(*mounted_);
}

TEST_P(FullDisk, ADirectoryIsRenamedWhollyOrNotAtAll) {
  const int result = error_of(::rename((*mounted_ / "d").c_str(), (*mounted_ / "e").c_str()));
  EXPECT_TRUE(result == 0 || result == ENOSPC) << result;
  const std::string now = result == 0 ? "e" : "d";
  ASSERT_TRUE(is_there(*mounted_ / now));
  EXPECT_EQ(names_in(*mounted_ / now).size(), std::size_t{kMany});
  ASSERT_TRUE(is_there(layer() / now));
  EXPECT_EQ(read_file(*mounted_ / (now + "/old7")).text, "old");
}

// What gives room back has to work, or the disk stays full.
TEST_P(FullDisk, DeletingAndShorteningWork) {
  EXPECT_EQ(error_of(::unlink((*mounted_ / "d/old1").c_str())), 0);
  EXPECT_EQ(error_of(::truncate((*mounted_ / "d/old2").c_str(), 0)), 0);
  EXPECT_EQ(open_error(*mounted_ / "d/old3", O_WRONLY | O_TRUNC), 0);
  EXPECT_EQ(error_of(::unlink((*mounted_ / "mine").c_str())), 0);
  EXPECT_EQ(stdfs::remove_all(*mounted_ / "d"), std::size_t{kMany});
  EXPECT_FALSE(is_there(layer() / "d"));
}

// … of files, too, that were there before the mount.
TEST_P(FullDisk, WhatWasFoundThereCanBeShortened) {
  const auto held = *mounted_ / "held";
  EXPECT_EQ(error_of(::truncate(held.c_str(), 10)), 0);
  EXPECT_EQ(read_file(held).text, std::string(10, 'h'));
  EXPECT_EQ(open_error(held, O_WRONLY | O_TRUNC), 0);
  EXPECT_EQ(error_of(::unlink(held.c_str())), 0);
}

// A lock and a look are what a hit takes.
TEST_P(FullDisk, WhatIsThereIsAHit) {
  const auto lock = *mounted_ / (sample::kTransformerModule + "/model.hlo_module.pb.lock");
  const int locked = open_error(lock, O_WRONLY | O_CREAT | O_EXCL);
  EXPECT_TRUE(locked == 0 || locked == ENOSPC) << locked;
  EXPECT_EQ(error_of(::unlink(lock.c_str())), locked == 0 ? 0 : ENOENT);
  EXPECT_EQ(stat_error(*mounted_ / (sample::kTransformerModule + "/model.done")), 0);
  EXPECT_EQ(stat_error(*mounted_ / (sample::kInferenceModule + "/model.done")), 0);
  expect_reads_go_on(*mounted_);
}

TEST_P(FullDisk, EverythingGoesOnWhenThereIsRoom) {
  for (int i = 0; i < kMany; ++i)
    for (const NameChange& change : name_changes(i)) change.run(*mounted_ / "d");
  disk_->make_room();
  write_file(*mounted_ / "after", std::string(kMiB, 'a'));
  EXPECT_EQ(read_file(*mounted_ / "after").text, std::string(kMiB, 'a'));
  for (int i = 0; i < kMany; ++i) {
    const int number = 1000 + i;
    write_file(*mounted_ / ("d/old" + std::to_string(number)), "old");
    for (const NameChange& change : name_changes(number)) {
      EXPECT_EQ(change.run(*mounted_ / "d"), 0) << change.name;
      stdfs::remove(*mounted_ / ("d/new" + std::to_string(number)));
    }
  }
  EXPECT_EQ(names_in(*mounted_ / "d"), names_in(layer() / "d"));
  EXPECT_TRUE(read_file(*mounted_ / kNotFetched).text == sample::bytes_of(kNotFetched));
  expect_reads_go_on(*mounted_);
}

// The same where names take room, too, and where the kernel promises room before it has it.
class FullExt4 : public FullDisk {
 protected:
  std::string type() const override { return "ext4"; }
};
NEFFS_BOTH_WAYS(FullExt4);

TEST_P(FullExt4, ChangesOfNamesHappenWhollyOrNotAtAll) {
  const std::size_t kinds = name_changes(0).size();
  for (int i = 0; i < kMany; ++i)
    expect_whole_or_nothing(*mounted_, name_changes(i).at(static_cast<std::size_t>(i) % kinds),
                            ENOSPC);
  expect_reads_go_on(*mounted_);
}

TEST_P(FullExt4, DeletingMakesRoom) {
  EXPECT_EQ(stdfs::remove_all(*mounted_ / "d"), std::size_t{kMany + 1});
  EXPECT_EQ(error_of(::unlink((*mounted_ / "filler").c_str())), 0);
  write_file(*mounted_ / "after", "a");
  EXPECT_EQ(read_file(*mounted_ / "after").text, "a");
  expect_reads_go_on(*mounted_);
}

}  // namespace
}  // namespace neffs::test
