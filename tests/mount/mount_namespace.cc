#include "tests/mount/mount_namespace.h"

#include <sys/types.h>

#include <filesystem>

namespace neffs::test {

void MountNamespaceTest::SetUp() {
  MountTest::SetUp();
  if (IsSkipped()) return;
  if (command({"sh", "-c", "command -v fusermount3 setpriv unshare nsenter"}).exit_code != 0)
    GTEST_SKIP() << "fusermount3, setpriv, unshare or nsenter is missing";
  std::filesystem::copy_file(NEFFS_PROGRAM, program_);
  const std::string make =
      "set -e; scratch='" + scratch_.path().string() +
      "'; devices=$scratch/devices; mkdir $devices; mount -t tmpfs -o mode=755 none $devices; "
      "mknod $devices/fuse c 10 229; chmod 666 $devices/fuse; "
      "mount --bind $devices/fuse /dev/fuse; " +
      more_commands() + " echo ready; exec cat";
  namespace_ = start({"unshare", "--mount", "--propagation", "private", "sh", "-c", make});
  if (!namespace_->wait_for_out("ready"))
    GTEST_SKIP() << "no such namespace can be made: " << namespace_->err();
}

void MountNamespaceTest::TearDown() {
  if (namespace_) {
    namespace_->close_input();
    EXPECT_TRUE(namespace_->wait());
  }
  MountTest::TearDown();
}

Ended MountNamespaceTest::inside(std::vector<std::string> words) const {
  const std::vector<std::string> enter{"nsenter", "--mount",
                                       "--target=" + std::to_string(namespace_->pid())};
  words.insert(words.begin(), enter.begin(), enter.end());
  return command(words);
}

Ended MountNamespaceTest::as_user(std::vector<std::string> words) const {
  const std::vector<std::string> become{"setpriv", "--reuid=65534", "--regid=65534",
                                        "--clear-groups", "--inh-caps=-all"};
  words.insert(words.begin(), become.begin(), become.end());
  return inside(words);
}

bool MountNamespaceTest::is_mounted(const std::string& mountpoint) const {
  return inside({"grep", "-q", " " + mountpoint + " ", "/proc/self/mounts"}).exit_code == 0;
}

std::vector<pid_t> MountNamespaceTest::daemons() const {
  std::vector<pid_t> pids = scratch_.processes();
  std::erase(pids, namespace_->pid());
  return pids;
}

}  // namespace neffs::test
