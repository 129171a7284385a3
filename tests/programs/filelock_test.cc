// Python's filelock, by which Hugging Face's libraries and torch-neuronx lock their caches.
#include <string>

#include "tests/programs/programs_test.h"

namespace neffs::test {
namespace {

constexpr const char* kCountTogether = R"py(
import os, sys
from filelock import FileLock, SoftFileLock

kind, directory = {"hard": FileLock, "soft": SoftFileLock}[sys.argv[1]], sys.argv[2]
counter = os.path.join(directory, "counter")
with open(counter, "w") as file:
    file.write("0")
children = []
for _ in range(16):
    child = os.fork()
    if child == 0:
        lock = kind(counter + ".lock", timeout=90)
        for _ in range(25):
            with lock.acquire(poll_interval=0.001):
                with open(counter) as file:
                    number = int(file.read())
                with open(counter, "w") as file:
                    file.write(str(number + 1))
        os._exit(0)
    children.append(child)
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 16
print(open(counter).read())
)py";

class FilelockTest : public ProgramsTest {
 protected:
  void expect_nothing_lost(const std::string& kind) {
    if (run({{"/usr/bin/python3", "-c", "import filelock"}, variables()}).exit_code != 0)
      GTEST_SKIP() << "python3-filelock is not installed";
    write_file(scratch_ / "count.py", kCountTogether);
    const std::string module = "\"$MOUNT/" + sample::kVersion + "/MODULE_1+e30acd3a\"";
    EXPECT_EQ(shell("mkdir -p " + module + "\n/usr/bin/python3 ../count.py " + kind + " " + module),
              "400\n");
  }
};
NEFFS_BOTH_WAYS(FilelockTest);

TEST_P(FilelockTest, SixteenProcessesCountByFlock) {
  expect_nothing_lost("hard");
}

TEST_P(FilelockTest, SixteenProcessesCountByExclusiveCreate) {
  expect_nothing_lost("soft");
}

}  // namespace
}  // namespace neffs::test
