// A mount by somebody who is not root: through fusermount3, for that user alone, by copying.
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;

constexpr uid_t kNobody = 65534;

// In a mount namespace where /dev/fuse is open to everybody: not every machine has it so.
class OrdinaryUser : public MountTest {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (IsSkipped()) return;
    if (command({"sh", "-c", "command -v fusermount3 setpriv unshare nsenter"}).exit_code != 0)
      GTEST_SKIP() << "fusermount3, setpriv, unshare or nsenter is missing";
    const std::string devices = (scratch_ / "devices").string();
    stdfs::create_directory(devices);
    namespace_ = start({"unshare", "--mount", "--propagation", "private", "sh", "-c",
                        "mount -t tmpfs -o mode=755 none " + devices + " && mknod " + devices +
                            "/fuse c 10 229 && chmod 666 " + devices + "/fuse && mount --bind " +
                            devices + "/fuse /dev/fuse && echo ready && exec cat"});
    if (!namespace_->wait_for_out("ready"))
      GTEST_SKIP() << "no /dev/fuse for everybody can be made: " << namespace_->err();
    // The program may lie where only root may go.
    program_ = (scratch_ / "neffs").string();
    stdfs::copy_file(NEFFS_PROGRAM, program_);
    stdfs::create_directory(mountpoint_);
    for (const std::string& directory : {mountpoint_, (scratch_ / "home").string()})
      ASSERT_EQ(::chown(directory.c_str(), kNobody, kNobody), 0);
  }
  void TearDown() override {
    if (namespace_) {
      namespace_->close_input();
      EXPECT_TRUE(namespace_->wait());
    }
    MountTest::TearDown();
  }

  Ended inside(std::vector<std::string> words) const {
    const std::vector<std::string> enter{"nsenter", "--mount",
                                         "--target=" + std::to_string(namespace_->pid())};
    words.insert(words.begin(), enter.begin(), enter.end());
    return command(words);
  }
  Ended as_user(std::vector<std::string> words) const {
    const std::vector<std::string> become{"setpriv", "--reuid=65534", "--regid=65534",
                                          "--clear-groups", "--inh-caps=-all"};
    words.insert(words.begin(), become.begin(), become.end());
    return inside(words);
  }
  Ended neffs_as_user(std::vector<std::string> words) const {
    words.insert(words.begin(), program_);
    return as_user(words);
  }
  bool is_mounted() const {
    return inside({"grep", "-q", mountpoint_, "/proc/self/mounts"}).exit_code == 0;
  }
  std::vector<pid_t> daemons() const {
    std::vector<pid_t> pids = scratch_.processes();
    std::erase(pids, namespace_->pid());
    return pids;
  }

  std::unique_ptr<Child> namespace_;
  std::string program_;
  const std::string mountpoint_ = (scratch_ / "mnt").string();
  TestRepo& repo_ = sample::create(hub_);
};

// Section 3: an ordinary user's mount is for that user alone, and all its files are that user's.
TEST_F(OrdinaryUser, MountsForHimself) {
  const Ended mounted = neffs_as_user({"mount", sample::kRepo, mountpoint_});
  ASSERT_EQ(mounted.exit_code, 0) << mounted.err;
  const std::string neff = mountpoint_ + "/" + sample::kTrainingModule + "/model.neff";
  EXPECT_NE(inside({"stat", neff}).err.find("Permission denied"), std::string::npos);  // root
  const Ended read = as_user({"sh", "-c", "sha256sum <'" + neff + "'; stat -c %u '" + neff + "'"});
  EXPECT_EQ(read.out,
            sha256_hex(*text_content(sample::bytes_of(sample::kTrainingModule + "/model.neff"))) +
                "  -\n65534\n")
      << read.err;
  const Ended lock =
      as_user({"sh", "-c",
               "echo x > " + mountpoint_ + "/lock && cat " + mountpoint_ + "/lock && echo y >> " +
                   mountpoint_ + "/lock && rm " + mountpoint_ + "/lock"});
  EXPECT_EQ(lock.out, "x\n") << lock.err;
  const Ended status = neffs_as_user({"status", mountpoint_, "--json"});
  ASSERT_EQ(status.exit_code, 0) << status.err;
  EXPECT_EQ(nlohmann::json::parse(status.out)["passthrough"], false);
  const Ended unmounted = neffs_as_user({"umount", mountpoint_});
  EXPECT_EQ(unmounted.exit_code, 0) << unmounted.err;
  EXPECT_FALSE(is_mounted());
}

// SEMANTICS 11: SIGTERM detaches it through fusermount3.
TEST_F(OrdinaryUser, SigtermEndsIt) {
  ASSERT_EQ(neffs_as_user({"mount", sample::kRepo, mountpoint_}).exit_code, 0);
  ASSERT_TRUE(is_mounted());
  for (const pid_t pid : daemons()) ::kill(pid, SIGTERM);
  EXPECT_TRUE(eventually([&] { return daemons().empty(); }));
  EXPECT_FALSE(is_mounted());
}

// Section 3: what only root can have is refused with a reason.
TEST_F(OrdinaryUser, CannotHavePassthrough) {
  const Ended ended = neffs_as_user({"mount", sample::kRepo, mountpoint_, "-o", "passthrough=on"});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find("passthrough"), std::string::npos) << ended.err;
  EXPECT_FALSE(is_mounted());
}

// A layer that is not the user's is refused in one line.
TEST_F(OrdinaryUser, NeedsALayerOfHisOwn) {
  const std::string others = (scratch_ / "others").string();
  stdfs::create_directory(others);
  const Ended ended = neffs_as_user({"mount", sample::kRepo, others});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find(others), std::string::npos) << ended.err;
}

}  // namespace
}  // namespace neffs::test
