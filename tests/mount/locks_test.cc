// Locks that nobody will release and compilations that failed: named by status, explain and doctor, and
// removed only where that is asked for and certain.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "index/index.h"
#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;
using nlohmann::json;

const std::string kModule = sample::kVersion + "/MODULE_42+e30acd3a";
const std::string kLock = kModule + "/model.hlo_module.pb.lock";
const std::string kIndex = ".cache/huggingface/neffs/index.sqlite";

class LocksTest : public MountTest {
 protected:
  // A process that has made the file, exclusively, and waits for the end of its input.
  std::unique_ptr<Child> start_locker(const stdfs::path& lock,
                                      std::vector<std::string> before = {}) const {
    for (const char* word :
         {"sh", "-c", "set -C; mkdir -p \"${1%/*}\"; : >\"$1\"; echo ready; exec cat", "sh",
          lock.c_str()})
      before.emplace_back(word);
    auto locker = start(before);
    EXPECT_TRUE(locker->wait_for_out("ready")) << locker->err();
    return locker;
  }
  // The same, killed.
  pid_t leave_lock(const stdfs::path& lock) const {
    const auto locker = start_locker(lock);
    locker->send(SIGKILL);
    EXPECT_TRUE(locker->wait());
    return locker->pid();
  }
  Ended doctor(const Mount& mounted, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{"doctor", mounted.root().string()};
    words.insert(words.end(), more.begin(), more.end());
    return neffs(words);
  }
  Ended clear(const Mount& mounted) const { return doctor(mounted, {"--clear-stale-locks"}); }
  std::string explain(const Mount& mounted, const std::string& path) const {
    const Ended ended = neffs({"explain", (mounted / path).string()});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    return ended.out;
  }
  static std::string creator_of(const Mount& mounted, const std::string& path) {
    const json status = mounted.status();
    for (const auto& lock : status.at("locks"))
      if (lock.at("path") == path) return lock.at("creator");
    return "not listed";
  }
  // A lock of an earlier life of the daemon: `change` may alter what is remembered of it. The layer
  // is not mounted.
  template <typename Change>
  void leave_record(const Change& change) const {
    const auto layer = scratch_ / "mnt";
    stdfs::create_directories(layer / kModule);
    write_file(layer / kLock, "");
    struct stat st {};
    ASSERT_EQ(::stat((layer / kLock).c_str(), &st), 0);
    index::OpenReport report;
    const auto index = index::Index::open(layer / kIndex, report);
    index::LockRecord record{kLock, 1, 1, "an earlier boot", 1, st.st_mtim.tv_sec};
    change(record);
    index->put_lock(record);
  }
  // One that exists, of this boot and in our namespace.
  static void make_ours(index::LockRecord& record) {
    record.boot = read_file("/proc/sys/kernel/random/boot_id").text;
    record.boot.resize(record.boot.find('\n'));
    const auto link = stdfs::read_symlink("/proc/self/ns/pid").string();
    record.pid_namespace = std::stoull(link.substr(link.find('[') + 1));
  }

  TestRepo& repo_ = sample::create(hub_);
};

// SEMANTICS 15: a lock left by a killed process blocks everybody for ever, so it is named, with what
// to do, and doctor does it.
TEST_F(LocksTest, ALockWhoseCreatorWasKilledIsNamedAndCleared) {
  const auto mounted = mount();
  const pid_t creator = leave_lock(*mounted / kLock);
  const json status = mounted->status();
  ASSERT_EQ(status.at("locks").size(), 1U) << status;
  const json& lock = status.at("locks").at(0);
  EXPECT_EQ(lock.at("path"), kLock);
  EXPECT_EQ(lock.at("pid"), creator);
  EXPECT_EQ(lock.at("creator"), "gone");
  EXPECT_TRUE(lock.at("taken_s_ago").is_number());
  const std::string mend =
      "neffs doctor " + mounted->root().string() + " --clear-stale-locks removes it";
  const std::string text = neffs({"status", mounted->root().string()}).out;
  for (const std::string& said :
       {text, explain(*mounted, kModule), explain(*mounted, kLock), doctor(*mounted).out}) {
    EXPECT_NE(said.find(kLock), std::string::npos) << said;
    EXPECT_NE(said.find("process " + std::to_string(creator) + ", which is gone"),
              std::string::npos)
        << said;
    EXPECT_NE(said.find(mend), std::string::npos) << said;
  }
  EXPECT_EQ(doctor(*mounted).exit_code, 1);
  EXPECT_EQ(stat_error(*mounted / kLock), 0) << "nothing was asked to remove it";

  const Ended cleared = clear(*mounted);
  EXPECT_EQ(cleared.exit_code, 0) << cleared.out << cleared.err;
  EXPECT_NE(cleared.out.find("removed   " + kLock), std::string::npos) << cleared.out;
  EXPECT_EQ(stat_error(*mounted / kLock), ENOENT);
  EXPECT_EQ(stat_error(mounted->layer(kLock)), ENOENT);
  EXPECT_EQ(open_error(*mounted / kLock, O_CREAT | O_EXCL | O_WRONLY), 0);
  EXPECT_NE(mounted->daemon().err().find("removed the stale lock " + kLock), std::string::npos);
}

TEST_F(LocksTest, DoctorTellsProgramsToo) {
  const auto mounted = mount();
  EXPECT_EQ(json::parse(doctor(*mounted, {"--json"}).out).at("findings"), json::array());
  const pid_t creator = leave_lock(*mounted / kLock);
  json said = json::parse(doctor(*mounted, {"--json"}).out);
  EXPECT_EQ(said.at("findings").at(0).at("check"), "stale lock");
  EXPECT_EQ(said.at("findings").at(0).at("subject"), kLock);
  EXPECT_EQ(said.at("removed"), json::array());
  said = json::parse(doctor(*mounted, {"--json", "--clear-stale-locks"}).out);
  EXPECT_EQ(said.at("findings"), json::array());
  EXPECT_EQ(said.at("removed").at(0).at("path"), kLock);
  EXPECT_EQ(said.at("removed").at(0).at("pid"), creator);
  stdfs::create_directory(scratch_ / "plain");
  const Ended unmounted = neffs({"doctor", (scratch_ / "plain").string()});
  EXPECT_EQ(unmounted.exit_code, 1);
  EXPECT_NE(unmounted.out.find("not mounted (neffs mount mounts it)"), std::string::npos);
}

// SEMANTICS 15: the living keep their locks, whatever is asked for.
TEST_F(LocksTest, TheLocksOfTheLivingStay) {
  const auto mounted = mount({"stale_locks=clear"});
  const auto living = start_locker(*mounted / kLock);
  const std::string other = kModule + "/other.lock";
  leave_lock(*mounted / other);
  EXPECT_TRUE(eventually([&] { return stat_error(*mounted / other) == ENOENT; }));
  EXPECT_EQ(clear(*mounted).exit_code, 0);
  EXPECT_EQ(stat_error(*mounted / kLock), 0);
  EXPECT_EQ(creator_of(*mounted, kLock), "alive");
  EXPECT_NE(explain(*mounted, kModule).find("process " + std::to_string(living->pid())),
            std::string::npos);
  EXPECT_EQ(explain(*mounted, kModule).find("stale"), std::string::npos);
}

// The kernel names the thread that asked; what dies is its process.
TEST_F(LocksTest, AThreadsLockBelongsToItsProcess) {
  const auto mounted = mount();
  stdfs::create_directories(*mounted / kModule);
  std::thread([&] { open_file(*mounted / kLock, O_CREAT | O_EXCL | O_WRONLY); }).join();
  const json lock = mounted->status().at("locks").at(0);
  EXPECT_EQ(lock.at("pid"), ::getpid());
  EXPECT_EQ(lock.at("creator"), "alive");
}

// A lock that is released leaves no trace, one that moves is followed.
TEST_F(LocksTest, ReleasedAndRenamedLocks) {
  const auto mounted = mount();
  leave_lock(*mounted / kLock);
  stdfs::rename(*mounted / kModule, *mounted / (kModule + ".bad"));
  EXPECT_EQ(creator_of(*mounted, kModule + ".bad/model.hlo_module.pb.lock"), "gone");
  EXPECT_EQ(creator_of(*mounted, kLock), "not listed");
  stdfs::remove_all(*mounted / (kModule + ".bad"));
  EXPECT_EQ(mounted->status().at("locks"), json::array());
}

TEST_F(LocksTest, ARestartKeepsTheRecords) {
  auto mounted = mount();
  const pid_t creator = leave_lock(*mounted / kLock);
  mounted->kill();
  mounted.reset();
  mounted = mount();
  const json lock = mounted->status().at("locks").at(0);
  EXPECT_EQ(lock.at("path"), kLock);
  EXPECT_EQ(lock.at("pid"), creator);
  EXPECT_EQ(lock.at("creator"), "gone");
}

// SEMANTICS 15: never one that somebody has open.
TEST_F(LocksTest, AnOpenLockIsNotRemoved) {
  const auto mounted = mount();
  leave_lock(*mounted / kLock);
  const auto holder = start_user({"hold", (*mounted / kLock).string()});
  ASSERT_TRUE(holder->wait_for_out("ready"));
  const Ended refused = clear(*mounted);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.out.find("left"), std::string::npos) << refused.out;
  EXPECT_EQ(stat_error(*mounted / kLock), 0);
  holder->close_input();
  ASSERT_TRUE(holder->wait());
  EXPECT_TRUE(eventually([&] { return clear(*mounted).exit_code == 0; }));
  EXPECT_EQ(stat_error(*mounted / kLock), ENOENT);
}

// SEMANTICS 15: a process of a namespace below the daemon's is judged as any other.
TEST_F(LocksTest, AContainersProcessIsJudgedByItsRealNumber) {
  const auto mounted = mount();
  const auto inside = start_locker(*mounted / kLock,
                                   {"unshare", "--pid", "--fork", "--kill-child", "--mount-proc"});
  const json lock = mounted->status().at("locks").at(0);
  EXPECT_GT(lock.at("pid"), 1);
  EXPECT_EQ(lock.at("creator"), "alive");
  EXPECT_EQ(clear(*mounted).exit_code, 0);
  EXPECT_EQ(stat_error(*mounted / kLock), 0);
  inside->send(SIGKILL);
  ASSERT_TRUE(inside->wait());
  EXPECT_TRUE(eventually([&] { return creator_of(*mounted, kLock) == "gone"; }));
}

// SEMANTICS 15: what a daemon cannot see counts as alive. This one is in a namespace of its own, from
// where the kernel tells it of no process outside.
TEST_F(LocksTest, WhoCannotBeSeenCountsAsAlive) {
  const auto root = scratch_ / "mnt";
  stdfs::create_directory(root);
  const auto daemon = start({"unshare", "--pid", "--fork", "--kill-child", NEFFS_PROGRAM, "mount",
                             sample::kRepo, root.string(), "-f", "-o", "stale_locks=clear"});
  ASSERT_TRUE(daemon->wait_for_out("data ")) << daemon->err();
  leave_lock(root / kLock);
  const auto status = [&] { return json::parse(neffs({"status", root.string(), "--json"}).out); };
  EXPECT_EQ(status().at("locks"), json::array());
  const Ended cleared = neffs({"doctor", root.string(), "--clear-stale-locks"});
  EXPECT_EQ(cleared.exit_code, 0) << cleared.err;
  EXPECT_EQ(stat_error(root / kLock), 0);
  const std::string said = neffs({"explain", (root / kModule).string()}).out;
  EXPECT_NE(said.find(kLock + ": made by a process unknown"), std::string::npos) << said;
  EXPECT_EQ(neffs({"umount", root.string()}).exit_code, 0);
  EXPECT_TRUE(daemon->wait());
}

TEST_F(LocksTest, ARecordOfAnotherNamespaceCountsAsAlive) {
  mount().reset();
  leave_record([](index::LockRecord& record) {
    make_ours(record);
    record.pid_namespace += 1;
  });
  const auto mounted = mount({"stale_locks=clear"});
  EXPECT_EQ(creator_of(*mounted, kLock), "unknown");
  EXPECT_EQ(clear(*mounted).exit_code, 0);
  EXPECT_EQ(stat_error(*mounted / kLock), 0);
}

// SEMANTICS 15: the default removes what an earlier boot left, and nothing else.
TEST_F(LocksTest, AnEarlierBootsLocksGoByDefault) {
  mount().reset();
  leave_record([](index::LockRecord&) {});
  {
    const auto mounted = mount({"stale_locks=keep"});
    ASSERT_TRUE(eventually([&] { return mounted->status().at("push").at("counting") == false; }));
    EXPECT_EQ(creator_of(*mounted, kLock), "earlier boot");
    EXPECT_EQ(stat_error(*mounted / kLock), 0);
    EXPECT_EQ(doctor(*mounted).exit_code, 1);
  }
  {
    const auto mounted = mount({"ro"});
    ASSERT_TRUE(eventually([&] {
      return mounted->daemon().err().find("modules of its own in the layer") != std::string::npos;
    }));
    EXPECT_EQ(stat_error(*mounted / kLock), 0) << "who browses changes nothing";
  }
  const auto mounted = mount();
  EXPECT_TRUE(eventually([&] { return stat_error(*mounted / kLock) == ENOENT; }));
  EXPECT_EQ(mounted->status().at("locks"), json::array());
  const std::string gone = kModule + "/gone.lock";
  leave_lock(*mounted / gone);
  leave_lock(*mounted / kLock);
  EXPECT_EQ(creator_of(*mounted, gone), "gone") << "of this boot: it stays";
}

// Anyone may ask; what changes something is for root and who mounted.
TEST_F(LocksTest, OnlyRootAndWhoMountedMayClear) {
  const std::string program = (scratch_ / "neffs").string();
  stdfs::copy_file(NEFFS_PROGRAM, program);
  const auto mounted = mount();
  leave_lock(*mounted / kLock);
  const auto as_nobody = [&](std::vector<std::string> words) {
    const std::vector<std::string> become{
        "setpriv", "--reuid=65534", "--regid=65534",         "--clear-groups",
        program,   "doctor",        mounted->root().string()};
    words.insert(words.begin(), become.begin(), become.end());
    return command(words);
  };
  EXPECT_NE(as_nobody({}).out.find(kLock), std::string::npos);
  const Ended refused = as_nobody({"--clear-stale-locks"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.err.find("only root"), std::string::npos) << refused.err;
  EXPECT_EQ(stat_error(*mounted / kLock), 0);
}

// SEMANTICS 16: a failed compilation is named, and kept as libneuronxla expects it.
TEST_F(LocksTest, AFailureIsNamedAndKept) {
  const auto mounted = mount();
  stdfs::create_directories(*mounted / kModule);
  write_file(*mounted / (kModule + "/model.log"), "Failed compilation with [a]\nmore\n");
  ASSERT_TRUE(eventually([&] { return mounted->status().at("failures").size() == 1; }));
  const json failure = mounted->status().at("failures").at(0);
  EXPECT_EQ(failure.at("path"), kModule);
  EXPECT_EQ(failure.at("text"), "Failed compilation with [a]");
  EXPECT_GE(failure.at("age_s"), 0);
  for (const std::string& said : {neffs({"status", mounted->root().string()}).out,
                                  explain(*mounted, kModule), doctor(*mounted).out}) {
    EXPECT_NE(said.find(kModule + ": compilation failed "), std::string::npos) << said;
    EXPECT_NE(said.find("Failed compilation with [a]"), std::string::npos) << said;
    EXPECT_NE(said.find("--retry_failed_compilation"), std::string::npos) << said;
  }
  EXPECT_EQ(doctor(*mounted).exit_code, 1);
  stdfs::remove(*mounted / (kModule + "/model.log"));
  EXPECT_TRUE(eventually([&] { return doctor(*mounted).exit_code == 0; }));
}

// A module that a source has finished is a hit, whatever was tried here.
TEST_F(LocksTest, AFailureOfWhatASourceHasIsNone) {
  const auto mounted = mount();
  ASSERT_EQ(stat_error(*mounted / (sample::kTrainingModule + "/model.done")), 0);
  write_file(*mounted / (sample::kTrainingModule + "/model.log"), "Failed compilation\n");
  stdfs::create_directories(*mounted / kModule);
  write_file(*mounted / (kModule + "/model.log"), "Failed compilation\n");
  ASSERT_TRUE(eventually([&] { return !mounted->status().at("failures").empty(); }));
  ASSERT_EQ(mounted->status().at("failures").size(), 1U);
  EXPECT_EQ(mounted->status().at("failures").at(0).at("path"), kModule);
  EXPECT_EQ(explain(*mounted, sample::kTrainingModule).find("--retry_failed_compilation"),
            std::string::npos);
}

// SEMANTICS 16: with failures=SECONDS it becomes an ordinary unfinished entry.
TEST_F(LocksTest, FailuresExpireWhereAskedTo) {
  const auto mounted = mount({"failures=1"});
  stdfs::create_directories(*mounted / kModule);
  write_file(*mounted / (kModule + "/model.hlo_module.pb"), "hlo");
  write_file(*mounted / (kModule + "/model.log"), "Failed compilation\n");
  EXPECT_TRUE(
      eventually([&] { return stat_error(*mounted / (kModule + "/model.log")) == ENOENT; }));
  EXPECT_EQ(stat_error(*mounted / (kModule + "/model.hlo_module.pb")), 0);
  EXPECT_TRUE(eventually([&] { return mounted->status().at("failures").empty(); }));
  EXPECT_NE(mounted->daemon().err().find("removed " + kModule + "/model.log"), std::string::npos);
}

}  // namespace
}  // namespace neffs::test
