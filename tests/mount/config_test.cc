// neffs.conf of the user who mounts.
#include <filesystem>
#include <string>

#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

class ConfigTest : public MountTest {
 protected:
  ConfigTest() { std::filesystem::create_directories(mountpoint_); }
  void write_config(const std::string& text) const {
    std::filesystem::create_directories(file_.parent_path());
    write_file(file_, text);
  }

  const std::string mountpoint_ = (scratch_ / "mnt").string();
  const std::filesystem::path file_ =
      std::filesystem::path(variables().at("HOME")) / ".config/neffs.conf";
  TestRepo& repo_ = sample::create(hub_);
};

TEST_F(ConfigTest, AMountFindsItsLines) {
  write_config("list = all\npassthrough = on\n[" + mountpoint_ + "/]\nsource = " + sample::kRepo +
               "\npassthrough = off\n[/elsewhere]\nsource = nobody/has-this\n");
  const Ended mounted = neffs({"mount", mountpoint_, "-o", "push=none"});
  ASSERT_EQ(mounted.exit_code, 0) << mounted.err;
  const Ended status = neffs({"status", mountpoint_, "--json"});
  const auto json = nlohmann::json::parse(status.out);
  EXPECT_EQ(json["sources"][0]["repo"], sample::kRepo);
  EXPECT_EQ(json["passthrough"], false);
  const std::string module = sample::kTrainingModule;
  const auto listed = command({"ls", mountpoint_ + "/" + module.substr(0, module.find('/'))});
  EXPECT_NE(listed.out.find(module.substr(module.find('/') + 1)), std::string::npos) << listed.out;
  EXPECT_EQ(neffs({"umount", mountpoint_}).exit_code, 0);
}

TEST_F(ConfigTest, AMistakeMountsNothing) {
  write_config("# mine\n[/elsewhere]\npol = 3\n");
  const Ended ended = neffs({"mount", sample::kRepo, mountpoint_});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_EQ(ended.err, "neffs: " + file_.string() +
                           ":3: option pol: unknown (is poll meant? neffs mount --help lists them "
                           "all)\n");
  EXPECT_TRUE(scratch_.mounts().empty());
  // What is no mount does not read it.
  EXPECT_EQ(neffs({"status", mountpoint_}).err.find("neffs.conf"), std::string::npos);
}

}  // namespace
}  // namespace neffs::test
