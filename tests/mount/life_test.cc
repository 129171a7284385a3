// From mount to end: how a daemon starts, stops, is killed, and what its users see of it.
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <future>
#include <random>
#include <string>
#include <vector>

#include "tests/hub/digest.h"
#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// SEMANTICS 11 says two seconds; what a loaded machine adds is not the program's.
constexpr milliseconds kExitPromise{2'500};

const std::string kNeffPath = sample::kTrainingModule + "/model.neff";

class LifeTest : public MountTest {
 protected:
  std::string make_mountpoint(const std::string& name = "mnt") const {
    const auto path = scratch_ / name;
    std::filesystem::create_directory(path);
    std::filesystem::permissions(path, std::filesystem::perms(0777));
    return path.string();
  }

  TestRepo& repo_ = sample::create(hub_);
};

class LifeBothWays : public MountTestBothWays {
 protected:
  LifeBothWays() { sample::create(hub_); }
};
NEFFS_BOTH_WAYS(LifeBothWays);

// Section 2: `mount` returns when the mount answers, says what it resolved, and `umount` waits for
// the daemon's end.
TEST_F(LifeTest, MountReturnsWhenItAnswersAndUmountWhenItHasEnded) {
  const std::string mountpoint = make_mountpoint();
  for (int round = 0; round < 3; ++round) {
    const Ended mounted = neffs({"mount", sample::kRepo, mountpoint});
    ASSERT_EQ(mounted.exit_code, 0) << mounted.err;
    EXPECT_NE(mounted.out.find(sample::kRepo), std::string::npos);
    EXPECT_NE(mounted.out.find("token"), std::string::npos);
    EXPECT_NE(mounted.out.find("push"), std::string::npos);
    EXPECT_EQ(read_file(mountpoint + "/" + kNeffPath), (Bytes{0, sample::bytes_of(kNeffPath)}));
    const Ended unmounted = neffs({"umount", mountpoint});
    EXPECT_EQ(unmounted.exit_code, 0) << unmounted.err;
    EXPECT_EQ(scratch_.processes(), std::vector<pid_t>{});
    EXPECT_EQ(scratch_.mounts(), std::vector<std::string>{});
    // What is left is an ordinary cache directory.
    EXPECT_EQ(read_file(mountpoint + "/" + kNeffPath), (Bytes{0, sample::bytes_of(kNeffPath)}));
  }
}

// SEMANTICS 11 and section 2: in use is EBUSY, and the holder is named.
TEST_F(LifeTest, UmountNamesWhoHoldsTheMount) {
  const auto mounted = mount();
  const auto holder = start_user({"hold", (*mounted / kNeffPath).string()});
  ASSERT_TRUE(holder->wait_for_out("ready"));
  const Ended ended = neffs({"umount", mounted->root().string()});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find("cache_user (pid " + std::to_string(holder->pid())), std::string::npos)
      << ended.err;
  EXPECT_EQ(stat_error(*mounted / kNeffPath), 0);
  holder->close_input();
  ASSERT_TRUE(holder->wait());
  EXPECT_EQ(mounted->unmount(), 0);
}

// Section 2, --lazy: detached at once, the daemon ends with the last close.
TEST_F(LifeTest, LazyUmountLetsTheLastOneFinish) {
  const auto mounted = mount();
  const auto holder = start_user({"hold", (*mounted / kNeffPath).string()});
  ASSERT_TRUE(holder->wait_for_out("ready"));
  EXPECT_EQ(neffs({"umount", mounted->root().string(), "--lazy"}).exit_code, 0);
  EXPECT_EQ(scratch_.mounts(), std::vector<std::string>{});
  EXPECT_FALSE(mounted->daemon().wait(milliseconds(0)));
  holder->close_input();
  EXPECT_TRUE(mounted->daemon().wait());
  EXPECT_EQ(mounted->daemon().exit_code(), 0);
}

// SEMANTICS 11: SIGTERM ends it at once with files open; without passthrough these are gone then.
TEST_P(LifeBothWays, SigtermEndsItWithOpenFiles) {
  const auto mounted = mount({way()});
  const bool is_passthrough = mounted->status()["passthrough"].get<bool>();
  const auto fd = open_file(*mounted / kNeffPath, O_RDONLY);
  std::string start(4096, '\0');
  ASSERT_EQ(::pread(fd.get(), start.data(), start.size(), 0), 4096);
  const auto begin = steady_clock::now();
  EXPECT_EQ(mounted->terminate(), 0);
  EXPECT_LT(steady_clock::now() - begin, kExitPromise);
  EXPECT_EQ(scratch_.mounts(), std::vector<std::string>{});
  if (!is_passthrough) return;
  EXPECT_TRUE(read_all_of(fd.get()).text == sample::bytes_of(kNeffPath));
}

// SEMANTICS 11, lesson 1 (unbounded shutdown): … while downloads stall, and who waits gets an error.
TEST_P(LifeBothWays, SigtermEndsItWhileADownloadStalls) {
  hub_.faults().add({.kind = Kind::kCdnGet}, Fault::stall(1000));
  const auto mounted = mount({way()});
  auto reading = in_background([&] { return read_file(*mounted / kNeffPath); });
  ASSERT_TRUE(hub_.pauses().wait_stalled(1, seconds(10)));
  const auto begin = steady_clock::now();
  EXPECT_EQ(mounted->terminate(), 0);
  EXPECT_LT(steady_clock::now() - begin, kExitPromise);
  ASSERT_TRUE(is_there(reading));
  EXPECT_NE(reading.get().error, 0);
}

// SEMANTICS 11: … and while look-ups and listings wait for the Hub.
TEST_F(LifeTest, SigtermEndsItWhileLookUpsAreParked) {
  const auto mounted = mount({"hub_timeout=60"});
  ASSERT_EQ(stat_error(*mounted / sample::kVersion), 0);
  const Gate gate = hub_.hold({.kind = Kind::kTree});
  std::vector<std::future<int>> look_ups;
  for (const std::string& path : {kNeffPath, sample::kPreviousModule, sample::kOldModule})
    look_ups.push_back(in_background([&, path] { return stat_error(*mounted / path); }));
  look_ups.push_back(in_background(
      [&] { return open_error(*mounted / "inference-cache-config", O_RDONLY | O_DIRECTORY); }));
  ASSERT_TRUE(gate.wait_held(4));
  const auto begin = steady_clock::now();
  EXPECT_EQ(mounted->terminate(), 0);
  EXPECT_LT(steady_clock::now() - begin, kExitPromise);
  for (auto& look_up : look_ups) {
    ASSERT_TRUE(is_there(look_up));
    EXPECT_NE(look_up.get(), 0);
  }
}

// SEMANTICS 11: umount is as quick when nobody waits, although the Hub is slow.
TEST_F(LifeTest, UmountIsQuickWhileTheHubStalls) {
  hub_.faults().add({.kind = Kind::kCdnGet, .text = "model.neff"}, Fault::stall(1000));
  const auto mounted = mount();
  EXPECT_EQ(read_file(*mounted / (sample::kTrainingModule + "/compile_flags.json")).error, 0);
  ASSERT_TRUE(hub_.pauses().wait_stalled(1, seconds(10)));  // the bundle's NEFF
  const auto begin = steady_clock::now();
  EXPECT_EQ(mounted->unmount(), 0);
  EXPECT_LT(steady_clock::now() - begin, kExitPromise);
}

// SEMANTICS 11: a signal with a handler never breaks an open that a plain file would not break.
TEST_F(LifeTest, AHandledSignalDoesNotBreakAnOpen) {
  const auto mounted = mount();
  ASSERT_EQ(stat_error(*mounted / kNeffPath), 0);
  Gate gate = hub_.hold({.kind = Kind::kCdnGet});
  const auto user = start_user({"open-between-signals", (*mounted / kNeffPath).string()});
  ASSERT_TRUE(user->wait_for_out("ready"));
  ASSERT_TRUE(gate.wait_held(1));
  for (int i = 0; i < 20; ++i) user->send(SIGCHLD);
  EXPECT_FALSE(user->wait(milliseconds(100)));
  gate.open();
  ASSERT_TRUE(user->wait());
  EXPECT_EQ(user->out(),
            "ready\n" + digest_hex(DigestKind::kSha256, sample::bytes_of(kNeffPath)) + "\n");
}

// SEMANTICS 11: who is killed while he waits for a download is gone at once.
TEST_F(LifeTest, AKilledCallerEndsAtOnce) {
  const auto mounted = mount();
  ASSERT_EQ(stat_error(*mounted / kNeffPath), 0);
  Gate gate = hub_.hold({.kind = Kind::kCdnGet});
  for (const int signal : {SIGKILL, SIGTERM, SIGINT}) {
    const auto user = start_user({"read", (*mounted / kNeffPath).string()});
    ASSERT_TRUE(gate.wait_held(1));
    ASSERT_TRUE(eventually([&] { return mounted->status()["reads"]["in_flight"] > 0; }));
    user->send(signal);
    EXPECT_TRUE(user->wait(seconds(5)));
  }
  gate.open();
  EXPECT_EQ(read_file(*mounted / kNeffPath), (Bytes{0, sample::bytes_of(kNeffPath)}));
}

// Section 6: a dead mount is detached and mounted again.
TEST_F(LifeTest, ADeadMountIsMountedAgain) {
  const std::string mountpoint = make_mountpoint();
  ASSERT_EQ(neffs({"mount", sample::kRepo, mountpoint}).exit_code, 0);
  for (const pid_t pid : scratch_.processes()) ::kill(pid, SIGKILL);
  ASSERT_TRUE(eventually([&] { return scratch_.processes().empty(); }));
  ASSERT_TRUE(eventually([&] { return stat_error(mountpoint + "/" + kNeffPath) == ENOTCONN; }));
  const Ended again = neffs({"mount", sample::kRepo, mountpoint});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_NE(again.err.find("dead mount"), std::string::npos) << again.err;
  EXPECT_EQ(read_file(mountpoint + "/" + kNeffPath).error, 0);
  EXPECT_EQ(neffs({"umount", mountpoint}).exit_code, 0);
}

// --- killed in the middle -------------------------------------------------------------------------

class CrashTest : public MountTestBothWays {
 protected:
  static constexpr int kModules = 6;
  static constexpr int kDownloads = 2 * kModules + 3;  // empty files are not downloaded

  CrashTest() {
    std::vector<NewFile> files;
    for (int number = 0; number < kModules; ++number) {
      files.emplace_back(module(number) + "/model.neff", neff(number), true);
      files.emplace_back(module(number) + "/wrapped_neff.hlo", neff(number + 100), true);
      files.emplace_back(module(number) + "/model.done", "");
    }
    for (const std::string name : {"unet/model.neuron", "text_encoder/model.neuron"})
      files.emplace_back(traced() + "/" + name, neff(7), true);
    files.emplace_back(traced() + "/model_index.json", "{}");
    hub_.create_repo("team/crash").commit(files);
  }

  static std::string module(int number) {
    return sample::kVersion + "/MODULE_" + std::to_string(3000 + number) + "+e30acd3a";
  }
  static std::string traced() { return sample::kVersion + "/MODULE_00112233445566778899"; }
  static std::string neff(int number) {
    return read_all(*generated_content(static_cast<std::uint64_t>(number), 300'000));
  }

  // SEMANTICS 1: unmounted at any moment, by any end, the layer is a valid cache.
  static void expect_valid_cache(const std::filesystem::path& layer) {
    for (int number = 0; number < kModules; ++number) {
      const auto file = [&](const std::string& name) {
        return read_file(layer / module(number) / name);
      };
      if (file("model.done").error == 0) {
        EXPECT_EQ(file("model.neff"), (Bytes{0, neff(number)}));
        EXPECT_EQ(file("wrapped_neff.hlo"), (Bytes{0, neff(number + 100)}));
      }
      EXPECT_TRUE(file("model.neff").error == ENOENT || file("model.neff").text == neff(number));
    }
    if (stat_error(layer / traced()) != 0) return;
    EXPECT_EQ(files_below(layer / traced()),
              (std::set<std::string>{"model_index.json", "text_encoder/model.neuron",
                                     "unet/model.neuron"}));
    EXPECT_EQ(read_file(layer / traced() / "unet/model.neuron"), (Bytes{0, neff(7)}));
  }
};
NEFFS_BOTH_WAYS(CrashTest);

// SEMANTICS 1 and 6: kill -9 in the middle of downloads leaves a valid cache, and the next mount
// works and gives every byte.
TEST_P(CrashTest, KilledInTheMiddleOfDownloadsItLeavesAValidCache) {
  std::mt19937 random(20);
  for (int round = 0; round < 10; ++round) {
    const MountSetup setup{
        .source = "team/crash", .options = {way()}, .directory = "mnt" + std::to_string(round)};
    auto mounted = mount_as(setup);
    const auto layer = mounted->root();
    const std::size_t wanted = 1 + random() % kDownloads;
    std::vector<std::future<Bytes>> reads;
    for (int number = 0; number < kModules; ++number)
      reads.push_back(in_background(
          [path = *mounted / (module(number) + "/model.neff")] { return read_file(path); }));
    reads.push_back(in_background(
        [path = *mounted / (traced() + "/unet/model.neuron")] { return read_file(path); }));
    const std::size_t before = hub_.traffic().count(Kind::kResolveGet);
    hub_.traffic().wait_for(Kind::kResolveGet, before + wanted, seconds(10));
    mounted->kill();
    for (std::size_t i = 0; i < reads.size(); ++i) {
      ASSERT_TRUE(is_there(reads[i]));
      const int number = i < kModules ? static_cast<int>(i) : 7;
      EXPECT_TRUE(neff(number).starts_with(reads[i].get().text));
    }
    mounted.reset();  // takes the dead mount away
    expect_valid_cache(layer);

    mounted = mount_as(setup);
    for (int number = 0; number < kModules; ++number)
      EXPECT_EQ(read_file(*mounted / (module(number) + "/model.neff")), (Bytes{0, neff(number)}));
    EXPECT_EQ(read_file(*mounted / (traced() + "/unet/model.neuron")), (Bytes{0, neff(7)}));
    EXPECT_EQ(mounted->terminate(), 0);
    mounted.reset();
    expect_valid_cache(layer);
    if (HasFailure()) return;
  }
}

// A daemon has no terminal. Nothing here would ask for the head by itself within an hour.
TEST_F(LifeTest, ASighupReadsTheTokenAgainAndAsksForTheHead) {
  const std::string mountpoint = make_mountpoint();
  const auto token = (scratch_ / "token").string();
  for (const char* name : {"hf_before", "hf_after"}) hub_.add_token(name, {.user = "bob"});
  write_file(token, "hf_before");
  const std::string options = "poll=3600,miss_check=3600,token_file=" + token;
  ASSERT_EQ(neffs({"mount", sample::kRepo, mountpoint, "-o", options}).exit_code, 0);
  const auto status = [&] {
    return nlohmann::json::parse(neffs({"status", mountpoint, "--json"}).out);
  };
  const pid_t pid = status().at("pid");
  const std::string added = sample::kVersion + "/MODULE_4711+e30acd3a/model.done";
  repo_.commit({{added, ""}});
  EXPECT_NE(status().at("sources").at(0).at("commit"), repo_.head());
  hub_.revoke_token("hf_before");
  write_file(token, "hf_after");
  ASSERT_EQ(::kill(pid, SIGHUP), 0);
  EXPECT_TRUE(
      eventually([&] { return status().at("sources").at(0).at("commit") == repo_.head(); }));
  write_file(token, "\n");
  ASSERT_EQ(::kill(pid, SIGHUP), 0);
  EXPECT_EQ(read_file(mountpoint + "/" + kNeffPath), (Bytes{0, sample::bytes_of(kNeffPath)}))
      << "without a token in the file the last one is used on";
  EXPECT_EQ(status().at("pid"), pid);
  EXPECT_EQ(neffs({"umount", mountpoint}).exit_code, 0);
}

TEST_F(LifeTest, ATerminalThatGoesAwayEndsIt) {
  const std::string mountpoint = make_mountpoint();
  const auto log = (scratch_ / "log").string();
  const auto terminal =
      start({"script", "--quiet", "--flush", "--command",
             std::string(NEFFS_PROGRAM) + " mount -f " + sample::kRepo + " " + mountpoint, log});
  ASSERT_TRUE(terminal->wait_for_out("data ")) << terminal->err();
  EXPECT_EQ(stat_error(mountpoint + "/" + kNeffPath), 0);
  terminal->send(SIGKILL);
  EXPECT_TRUE(
      eventually([&] { return scratch_.mounts().empty() && scratch_.processes().empty(); }));
}

}  // namespace
}  // namespace neffs::test
