// neffs.conf of the user who mounts.
#include <signal.h>

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

// By setsid, as a process that has a terminal would end by the signal.
TEST_F(ConfigTest, AReloadTakesOverWhatMayChange) {
  write_config("cache_size = 1G\nlog = warn\n");
  const auto daemon =
      start({"setsid", NEFFS_PROGRAM, "mount", "-f", "-o", "settle=7", sample::kRepo, mountpoint_});
  ASSERT_TRUE(daemon->wait_for_out("data ")) << daemon->err();
  const auto quota = [&] {
    return nlohmann::json::parse(neffs({"status", mountpoint_, "--json"}).out).at("quota_bytes");
  };
  EXPECT_EQ(quota(), 1U << 30);
  const auto is_told_after = [&](const std::string& config, const std::string& text) {
    write_config(config);
    daemon->send(SIGHUP);
    return eventually([&] { return daemon->err().find(text) != std::string::npos; });
  };
  EXPECT_TRUE(is_told_after("cache_size = 2G\nsettle = 9\npassthrough = off\nlog = info\n",
                            "changed: cache_size, log\n"))
      << daemon->err();
  EXPECT_NE(daemon->err().find("changed, but not while it is mounted: passthrough\n"),
            std::string::npos)
      << daemon->err();
  EXPECT_EQ(quota(), 2U << 30);
  EXPECT_TRUE(is_told_after("cache_size = 3G\nnonsense = 1\n", "the options stay as they are: "))
      << daemon->err();
  EXPECT_EQ(quota(), 2U << 30) << "a mistake changes nothing";
  EXPECT_TRUE(is_told_after("source = lab/other\n[" + mountpoint_ +
                                "/neuronxcc-1/x]\ncache_size = 5G\n[" + mountpoint_ +
                                "]\ncache_size = none\n",
                            "changed: cache_size, log\n"));
  EXPECT_TRUE(eventually([&] { return quota().is_null(); }));
  EXPECT_EQ(neffs({"umount", mountpoint_}).exit_code, 0);
  EXPECT_TRUE(daemon->wait());
}

}  // namespace
}  // namespace neffs::test
