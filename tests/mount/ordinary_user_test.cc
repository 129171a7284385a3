// A mount by somebody who is not root: through fusermount3, for that user alone, by copying.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;

constexpr uid_t kNobody = 65534;

class OrdinaryUser : public MountTest {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (IsSkipped()) return;
    if (command({"sh", "-c", "command -v fusermount3 setpriv"}).exit_code != 0)
      GTEST_SKIP() << "there is no fusermount3 or no setpriv";
    struct stat st {};
    ASSERT_EQ(::stat("/dev/fuse", &st), 0);
    device_mode_ = st.st_mode & 07777U;
    if (::chmod("/dev/fuse", 0666) != 0) GTEST_SKIP() << "/dev/fuse is not for everybody";
    // The program may lie where only root may go.
    program_ = (scratch_ / "neffs").string();
    stdfs::copy_file(NEFFS_PROGRAM, program_);
    for (const char* name : {"home", "mnt"}) {
      stdfs::create_directory(scratch_ / name);
      ASSERT_EQ(::chown((scratch_ / name).c_str(), kNobody, kNobody), 0);
    }
    mountpoint_ = (scratch_ / "mnt").string();
  }
  void TearDown() override {
    MountTest::TearDown();
    if (device_mode_ != 0) ::chmod("/dev/fuse", device_mode_);
  }

  Ended as_user(std::vector<std::string> words) const {
    const std::vector<std::string> become{"setpriv", "--reuid=65534", "--regid=65534",
                                          "--clear-groups", "--inh-caps=-all"};
    words.insert(words.begin(), become.begin(), become.end());
    return command(words);
  }
  Ended neffs_as_user(std::vector<std::string> words) const {
    words.insert(words.begin(), program_);
    return as_user(words);
  }

  mode_t device_mode_ = 0;
  std::string program_;
  std::string mountpoint_;
  TestRepo& repo_ = sample::create(hub_);
};

// Section 3: an ordinary user's mount is for that user alone, and all its files are that user's.
TEST_F(OrdinaryUser, MountsForHimself) {
  const Ended mounted = neffs_as_user({"mount", sample::kRepo, mountpoint_});
  ASSERT_EQ(mounted.exit_code, 0) << mounted.err;
  const std::string neff = mountpoint_ + "/" + sample::kTrainingModule + "/model.neff";
  EXPECT_EQ(stat_error(neff), EACCES);  // root is another user
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
}

// SEMANTICS 11: SIGTERM detaches it through fusermount3.
TEST_F(OrdinaryUser, SigtermEndsIt) {
  ASSERT_EQ(neffs_as_user({"mount", sample::kRepo, mountpoint_}).exit_code, 0);
  for (const pid_t pid : scratch_.processes()) ::kill(pid, SIGTERM);
  EXPECT_TRUE(eventually([&] { return scratch_.processes().empty(); }));
  EXPECT_EQ(scratch_.mounts(), std::vector<std::string>{});
}

// Section 3: what only root can have is refused with a reason.
TEST_F(OrdinaryUser, CannotHavePassthrough) {
  const Ended ended = neffs_as_user({"mount", sample::kRepo, mountpoint_, "-o", "passthrough=on"});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find("passthrough"), std::string::npos) << ended.err;
  EXPECT_EQ(scratch_.mounts(), std::vector<std::string>{});
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
