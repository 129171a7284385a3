// fio writes blocks in random order and reads them back, checksum by checksum.
#include <string>
#include <vector>

#include "tests/programs/programs_test.h"

namespace neffs::test {
namespace {

struct Engine {
  std::string name;
  std::string options;
  std::string label;
};

std::vector<Engine> engines() {
  return {{"psync", "", "Psync"},
          {"psync", "--direct=1", "PsyncDirect"},
          {"mmap", "", "Mmap"},
          {"libaio", "--iodepth=8", "Libaio"},
          {"libaio", "--iodepth=8 --direct=1", "LibaioDirect"},
          {"io_uring", "--iodepth=8", "IoUring"},
          {"io_uring", "--iodepth=8 --direct=1", "IoUringDirect"}};
}

class FioTest : public ProgramsTest {
 protected:
  // Whether the engine works here at all, that is on the plain directory.
  bool has_engine(const Engine& engine) {
    return run({{"bash", "-c", fio(engine, (scratch_ / "beside/probe").string(), "64k")},
                variables()})
               .exit_code == 0;
  }
  static std::string fio(const Engine& engine, const std::string& file, const std::string& size) {
    return "fio --name=verify --minimal --filename='" + file + "' --size=" + size +
           " --bs=4k --rw=randwrite --randrepeat=1 --verify=crc32c --do_verify=1 --verify_fatal=1"
           " --fsync=128 --ioengine=" +
           engine.name + " " + engine.options;
  }
};
NEFFS_BOTH_WAYS(FioTest);

TEST_P(FioTest, ReadsBackWhatItWroteByEveryEngine) {
  NEFFS_NEEDS("fio");
  for (const Engine& engine : engines()) {
    if (!has_engine(engine)) {
      std::cout << engine.label << ": not to be had on this machine\n";
      continue;
    }
    SCOPED_TRACE(engine.label);
    shell("file=\"$MOUNT/" + engine.label + "\"\n" + fio(engine, "'\"$file\"'", "2m") + "\n" +
          "test \"$(stat -c %s \"$file\")\" = 2097152\nrm \"$file\"");
  }
}

// Four jobs, one file: each block is verified by who wrote it, while the others write.
TEST_P(FioTest, JobsShareAFile) {
  NEFFS_NEEDS("fio");
  shell(R"sh(fio --name=share --minimal --filename="$MOUNT/shared" --numjobs=4 --size=2m \
    --offset_increment=2m --bs=4k --rw=randwrite --verify=crc32c --do_verify=1 --verify_fatal=1 \
    --verify_backlog=32 --ioengine=psync --group_reporting)sh");
}

}  // namespace
}  // namespace neffs::test
