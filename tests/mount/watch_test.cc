// `status --watch`: the status again and again, for people and for programs.
#include <signal.h>

#include <string>

#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

class WatchTest : public MountTest {
 protected:
  std::unique_ptr<Child> start_watch(std::vector<std::string> words) const {
    words.insert(words.begin(), {NEFFS_PROGRAM, "status", (scratch_ / "mnt").string()});
    return start(words);
  }
  static std::size_t count(const std::string& text, const std::string& what) {
    std::size_t times = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++times;
    return times;
  }

  TestRepo& repo_ = sample::create(hub_);
};

TEST_F(WatchTest, ShowsWhatChangesUntilItIsEnded) {
  const auto mounted = mount();
  const auto watch = start_watch({"--watch=0.1"});
  EXPECT_TRUE(eventually([&] { return count(watch->out(), ": mounted for ") >= 2; }));
  EXPECT_EQ(watch->out().find('\x1b'), std::string::npos) << "this is no terminal";
  read_file(*mounted / (sample::kTrainingModule + "/model.neff"));
  EXPECT_TRUE(watch->wait_for_out("/s fetched")) << watch->out();
  watch->send(SIGINT);
  ASSERT_TRUE(watch->wait());
  EXPECT_EQ(watch->exit_code(), 0) << watch->err();
}

TEST_F(WatchTest, ForProgramsEachIsALine) {
  const auto mounted = mount();
  const auto watch = start_watch({"--watch=0.1", "--json"});
  EXPECT_TRUE(eventually([&] { return count(watch->out(), "\n") >= 3; }));
  watch->send(SIGTERM);
  ASSERT_TRUE(watch->wait());
  EXPECT_EQ(watch->exit_code(), 0) << watch->err();
  const auto out = watch->out();
  const auto first = nlohmann::json::parse(out.substr(0, out.find('\n')));
  EXPECT_EQ(first["mounted"], true);
}

TEST_F(WatchTest, AMountMayComeAndGo) {
  std::filesystem::create_directories(scratch_ / "mnt");
  const auto watch = start_watch({"--watch=0.1"});
  EXPECT_TRUE(watch->wait_for_out("not mounted"));
  auto mounted = mount();
  EXPECT_TRUE(watch->wait_for_out(": mounted for ")) << watch->err();
  watch->send(SIGHUP);
  ASSERT_TRUE(watch->wait());
  EXPECT_EQ(watch->exit_code(), 0) << watch->err();
  EXPECT_EQ(neffs({"status", "--watch=soon"}).exit_code, 2);
}

}  // namespace
}  // namespace neffs::test
