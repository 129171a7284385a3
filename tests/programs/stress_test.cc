// stress-ng's filesystem stressors, each a short round with its own checks switched on.
#include <string>
#include <vector>

#include "tests/programs/programs_test.h"

namespace neffs::test {
namespace {

struct Stressor {
  std::string name;
  int operations = 50;
  std::string options{};
  int instances = 2;
};

// Each has done its operations well before its time is up; of chmod and chown two instances may wait
// for each other until then, anywhere.
const std::vector<Stressor>& stressors() {
  static const std::vector<Stressor> all{
      {"access"},
      {"chdir", 200, "--chdir-dirs 64"},
      {"chmod", 50, "", 1},
      {"chown", 50, "", 1},
      {"copy-file", 20},
      {"dentry", 300, "--dentries 64"},
      {"dir", 200, "--dir-dirs 64"},
      {"dirdeep", 50, "--dirdeep-dirs 2 --dirdeep-inodes 256"},
      {"dirmany", 200},
      {"dnotify", 20},
      {"dup"},
      {"eventfd"},
      {"fallocate", 20, "--fallocate-bytes 4M"},
      {"fanotify", 20},
      {"fcntl"},
      {"fiemap", 20, "--fiemap-bytes 4M"},
      {"file-ioctl"},
      {"filename", 50},
      {"flock", 500},
      {"fsize", 20},
      {"fstat"},
      {"getdent"},
      {"handle"},
      {"hdd", 200, "--hdd-bytes 4M --hdd-opts rd-seq,wr-rnd,fsync"},
      {"io", 20},
      {"iomix", 100, "--iomix-bytes 4M"},
      {"lease"},
      {"locka", 500},
      {"lockf", 500},
      {"lockofd", 500},
      {"mknod", 100},
      {"mmap", 5, "--mmap-file --mmap-bytes 1M"},
      {"msync", 20, "--msync-bytes 1M"},
      {"open"},
      {"rename", 300},
      {"rmap", 20},
      {"seek", 100, "--seek-size 4M"},
      {"sendfile", 50, "--sendfile-size 1M"},
      {"sync-file", 5, "--sync-file-bytes 2M"},
      {"touch", 200},
      {"utime", 100},
      {"xattr", 2}};
  return all;
}

class StressTest : public ProgramsTest {
 protected:
  void run_stressor(const Stressor& stressor) {
    SCOPED_TRACE(stressor.name);
    shell("directory=\"$MOUNT/" + stressor.name + "\"\nmkdir \"$directory\"\n" +
          "stress-ng --temp-path \"$directory\" --no-rand-seed --verify --timeout 30 --quiet --" +
          stressor.name + " " + std::to_string(stressor.instances) + " --" + stressor.name +
          "-ops " + std::to_string(stressor.operations) + " " + stressor.options +
          "\nrmdir \"$directory\"");
  }
};
NEFFS_BOTH_WAYS(StressTest);

TEST_P(StressTest, EveryFilesystemStressorIsContent) {
  NEFFS_NEEDS("stress-ng");
  for (const Stressor& stressor : stressors()) run_stressor(stressor);
  EXPECT_EQ(mount_->status()["reads"]["in_flight"], 0);
}

}  // namespace
}  // namespace neffs::test
