// A mount by somebody who is not root: through fusermount3, for that user alone, by copying.
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/mount/mount_namespace.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;

class OrdinaryUser : public MountNamespaceTest {
 protected:
  void SetUp() override {
    MountNamespaceTest::SetUp();
    if (IsSkipped()) return;
    stdfs::create_directory(mountpoint_);
    for (const std::string& directory : {mountpoint_, (scratch_ / "home").string()})
      ASSERT_EQ(::chown(directory.c_str(), kNobody, kNobody), 0);
  }

  Ended neffs_as_user(std::vector<std::string> words) const {
    words.insert(words.begin(), program_);
    return as_user(words);
  }

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
  EXPECT_FALSE(is_mounted(mountpoint_));
}

// SEMANTICS 11: SIGTERM detaches it through fusermount3.
TEST_F(OrdinaryUser, SigtermEndsIt) {
  ASSERT_EQ(neffs_as_user({"mount", sample::kRepo, mountpoint_}).exit_code, 0);
  ASSERT_TRUE(is_mounted(mountpoint_));
  for (const pid_t pid : daemons()) ::kill(pid, SIGTERM);
  EXPECT_TRUE(eventually([&] { return daemons().empty(); }));
  EXPECT_FALSE(is_mounted(mountpoint_));
}

// Section 3: what only root can have is refused with a reason.
TEST_F(OrdinaryUser, CannotHavePassthrough) {
  const Ended ended = neffs_as_user({"mount", sample::kRepo, mountpoint_, "-o", "passthrough=on"});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find("passthrough"), std::string::npos) << ended.err;
  EXPECT_FALSE(is_mounted(mountpoint_));
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
