// Section 6 of the contract: bad input, and the one line it gets.
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;

const std::string kNeffPath = sample::kTrainingModule + "/model.neff";
constexpr const char* kState = ".cache/huggingface/neffs";

class BadInput : public MountTest {
 protected:
  std::string make_directory(const std::string& name) const {
    const auto path = scratch_ / name;
    stdfs::create_directories(path);
    stdfs::permissions(path, stdfs::perms(0777));
    return path.string();
  }

  // The command fails with `exit_code`, and says in one line everything in `mentioned`.
  static void expect_refusal(const Ended& ended, int exit_code,
                             const std::vector<std::string>& mentioned) {
    EXPECT_EQ(ended.exit_code, exit_code);
    EXPECT_EQ(ended.out, "");
    EXPECT_TRUE(ended.err.starts_with("neffs: ")) << ended.err;
    EXPECT_EQ(std::count(ended.err.begin(), ended.err.end(), '\n'), 1) << ended.err;
    for (const std::string& text : mentioned)
      EXPECT_NE(ended.err.find(text), std::string::npos) << text << " is not in: " << ended.err;
  }
  void expect_nothing_mounted() const {
    EXPECT_EQ(scratch_.mounts(), std::vector<std::string>{});
    EXPECT_EQ(scratch_.processes(), std::vector<pid_t>{});
  }
  Ended mount_words(std::vector<std::string> words, const Variables& more = {}) const {
    words.insert(words.begin(), "mount");
    Ended ended = neffs(words, more);
    return ended;
  }

  const std::string mountpoint_ = make_directory("mnt");
  TestRepo& repo_ = sample::create(hub_);
};

// --- what the Hub says no to ----------------------------------------------------------------------

// Section 6: an unknown repo (which the Hub does not tell from a private one).
TEST_F(BadInput, UnknownRepo) {
  expect_refusal(mount_words({"team/none", mountpoint_}), 1,
                 {"team/none", "does not exist", "HF_TOKEN"});
  expect_nothing_mounted();
}

// Section 6: a wrong revision.
TEST_F(BadInput, UnknownRevision) {
  expect_refusal(mount_words({sample::kRepo + "@no-such-branch", mountpoint_}), 1,
                 {"no-such-branch", "branch"});
  expect_nothing_mounted();
}

// Section 6: tags and pull requests are revisions too.
TEST_F(BadInput, EveryKindOfRevisionCanBeMounted) {
  for (const std::string& revision : {std::string("v1"), std::string("refs/pr/1"), repo_.head()}) {
    const auto mounted = mount_as({.source = sample::kRepo + "@" + revision});
    EXPECT_EQ(stat_error(*mounted / sample::kPreviousModule), 0) << revision;
  }
}

// Section 6: no permission, an expired token, a gated repo.
TEST_F(BadInput, NoPermission) {
  hub_.create_repo("team/private", {.is_private = true}).commit({{"x", "y"}});
  hub_.create_repo("team/disabled", {.is_disabled = true});
  hub_.add_token("hf_other", {});
  expect_refusal(mount_words({"team/private", mountpoint_}, {{"HF_TOKEN", "hf_other"}}), 1,
                 {"team/private"});
  expect_refusal(mount_words({"team/private", mountpoint_}, {{"HF_TOKEN", "hf_expired"}}), 1,
                 {"team/private"});
  hub_.faults().add({.kind = Kind::kInfo}, Fault::answer(401), 1);
  expect_refusal(mount_words({sample::kRepo, mountpoint_}, {{"HF_TOKEN", "hf_expired"}}), 1,
                 {"token"});
  expect_refusal(mount_words({"team/disabled", mountpoint_}), 1, {"team/disabled"});
  expect_nothing_mounted();
}

// Section 6: a gated repo whose terms were not accepted says so, when mounting or when reading.
TEST_F(BadInput, GatedRepo) {
  sample::create(hub_, "team/gated").set_settings({.is_gated = true});
  const std::string directory = make_directory("gated");
  const Ended ended = mount_words({"team/gated", directory});
  if (ended.exit_code == 0) {
    EXPECT_EQ(read_file(directory + "/" + kNeffPath).error, EACCES);
    EXPECT_EQ(neffs({"umount", directory}).exit_code, 0);
  } else {
    expect_refusal(ended, 1, {"team/gated", "access"});
  }
}

// Section 3: a token is a file's content, never an option's value.
TEST_F(BadInput, BadTokenFile) {
  expect_refusal(
      mount_words({sample::kRepo, mountpoint_, "-o", "token_file=" + (scratch_ / "none").string()}),
      1, {"token", (scratch_ / "none").string()});
  expect_nothing_mounted();
}

// --- where to mount -------------------------------------------------------------------------------

// Section 6: a mountpoint that is missing, or no directory.
TEST_F(BadInput, MountpointMissingOrNoDirectory) {
  const std::string missing = (scratch_ / "missing").string();
  expect_refusal(mount_words({sample::kRepo, missing}), 1, {missing, "no such directory", "mkdir"});
  const std::string file = (scratch_ / "file").string();
  write_file(file, "");
  expect_refusal(mount_words({sample::kRepo, file}), 1, {file, "not a directory"});
  expect_nothing_mounted();
}

// Section 6: the default mountpoint is made, for everybody. In a mount namespace of its own, so that
// a real one stays out of it.
TEST_F(BadInput, TheDefaultMountpointIsMade) {
  const std::string script =
      "mount --make-rprivate / && mount -t tmpfs none /var/tmp && umask 077 && " +
      std::string(NEFFS_PROGRAM) + " mount " + sample::kRepo +
      " >/dev/null && cd /var/tmp/neuron-compile-cache && stat -c %a . && stat -f -c %T . && ls "
      "registry.json && cd / && " +
      NEFFS_PROGRAM + " umount && stat -c %a /var/tmp/neuron-compile-cache";
  const Ended ended = command({"unshare", "--mount", "sh", "-c", script});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, "777\nfuseblk\nregistry.json\n777\n");
}

// Section 6: what is mounted already.
TEST_F(BadInput, MountedAlready) {
  const auto mounted = mount();
  expect_refusal(mount_words({sample::kRepo, mounted->root().string()}), 1,
                 {mounted->root().string(), "mounted already", "neffs umount"});
  EXPECT_EQ(stat_error(*mounted / kNeffPath), 0);
}

// Section 6, lesson 6 (two processes on one cache): a layer in use by another daemon.
TEST_F(BadInput, LayerInUse) {
  const std::string layer = make_directory("layer");
  const auto mounted = mount({"layer=" + layer});
  const Ended second =
      mount_words({sample::kRepo, make_directory("second"), "-o", "layer=" + layer});
  expect_refusal(second, 1,
                 {layer, "in use", std::to_string(mounted->daemon().pid()), "layer=DIR"});
  EXPECT_EQ(read_file(*mounted / kNeffPath).error, 0);
}

// Section 6: a layer on a network filesystem, here another FUSE mount.
TEST_F(BadInput, LayerOnANetworkFilesystem) {
  const auto other = mount();
  const std::string layer = (*other / "layer").string();
  stdfs::create_directory(layer);
  expect_refusal(mount_words({sample::kRepo, make_directory("second"), "-o", "layer=" + layer}), 1,
                 {layer, "network filesystem", "layer=DIR"});
}

// A layer inside of the mountpoint would be covered by its own mount.
TEST_F(BadInput, LayerInsideTheMountpoint) {
  const std::string layer = make_directory("mnt/layer");
  expect_refusal(mount_words({sample::kRepo, mountpoint_, "-o", "layer=" + layer}), 1,
                 {layer, "inside the mountpoint"});
  expect_nothing_mounted();
}

// Section 6: who works in the mountpoint already is named, and still sees below.
TEST_F(BadInput, MountpointInUseIsAWarning) {
  write_file(mountpoint_ + "/below", "x");
  const auto user = start_user({"stay", mountpoint_});
  ASSERT_TRUE(user->wait_for_out("ready"));
  const Ended ended = mount_words({sample::kRepo, mountpoint_});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_NE(ended.err.find("cache_user (pid " + std::to_string(user->pid())), std::string::npos)
      << ended.err;
  EXPECT_EQ(read_file(mountpoint_ + "/below").text, "x");  // adopted, not hidden
  user->close_input();
  ASSERT_TRUE(user->wait());
  EXPECT_EQ(neffs({"umount", mountpoint_}).exit_code, 0);
}

// --- words ----------------------------------------------------------------------------------------

// Section 3: an unknown option names the nearest known one; wrong usage is exit 2.
TEST_F(BadInput, WrongWords) {
  expect_refusal(mount_words({sample::kRepo, mountpoint_, "-o", "hub_timout=3"}), 2,
                 {"hub_timout", "hub_timeout"});
  expect_refusal(mount_words({sample::kRepo, mountpoint_, "-o", "hub_timeout=soon"}), 2,
                 {"hub_timeout"});
  expect_refusal(mount_words({"not a repo", mountpoint_}), 2, {"not a repo"});
  expect_refusal(neffs({"mont"}), 2, {"mont", "mount"});
  expect_nothing_mounted();
}

// --- what is found in the layer -------------------------------------------------------------------

// Section 6: a damaged index is kept aside, and no byte is lost.
TEST_F(BadInput, DamagedIndex) {
  {
    const auto mounted = mount();
    ASSERT_EQ(read_file(*mounted / kNeffPath).error, 0);
    write_file(*mounted / "mine.txt", "mine");
    ASSERT_TRUE(eventually(
        [&] { return stat_error(mounted->layer(sample::kTrainingModule + "/model.done")) == 0; }));
  }
  const stdfs::path state = stdfs::path(mountpoint_) / kState;
  for (const std::string name : {"index.sqlite-wal", "index.sqlite-shm"})
    stdfs::remove(state / name);
  std::ofstream(state / "index.sqlite") << std::string(100'000, '!');
  const auto mounted = mount();
  EXPECT_NE(mounted->daemon().err().find("damaged"), std::string::npos) << mounted->daemon().err();
  EXPECT_EQ(read_file(*mounted / "mine.txt").text, "mine");
  EXPECT_EQ(read_file(*mounted / kNeffPath), (Bytes{0, sample::bytes_of(kNeffPath)}));
  EXPECT_EQ(stat_error(*mounted / (sample::kTrainingModule + "/model.done")), 0);
  EXPECT_EQ(stat_error(*mounted / (sample::kInferenceModule + "/model.done")), 0);
  bool is_kept = false;
  for (const std::string& name : names_in(mounted->layer(kState)))
    is_kept = is_kept || name.starts_with("index.sqlite.damaged-");
  EXPECT_TRUE(is_kept);
}

// Section 1: a state directory that is a symlink is set aside, and never followed.
TEST_F(BadInput, StateDirectoryThatIsASymlink) {
  const std::string elsewhere = make_directory("elsewhere");
  stdfs::create_directories(stdfs::path(mountpoint_) / ".cache/huggingface");
  stdfs::create_symlink(elsewhere, stdfs::path(mountpoint_) / kState);
  const auto mounted = mount();
  EXPECT_NE(mounted->daemon().err().find("set aside"), std::string::npos);
  EXPECT_EQ(read_file(*mounted / kNeffPath).error, 0);
  EXPECT_EQ(names_in(elsewhere), std::set<std::string>{});
}

// Section 1: … so is one of another owner or mode, and a file in its place.
TEST_F(BadInput, StateDirectoryOfSomebodyElse) {
  const stdfs::path state = stdfs::path(mountpoint_) / kState;
  stdfs::create_directories(state);
  write_file(state / "index.sqlite", "a trap");
  ASSERT_EQ(::chown(state.c_str(), 65534, 65534), 0);
  {
    const auto mounted = mount();
    EXPECT_NE(mounted->daemon().err().find("set aside"), std::string::npos);
    EXPECT_EQ(read_file(*mounted / kNeffPath).error, 0);
  }
  struct stat st {};
  ASSERT_EQ(::stat(state.c_str(), &st), 0);
  EXPECT_EQ(st.st_uid, 0U);
  EXPECT_EQ(st.st_mode & 07777U, 0700U);
  stdfs::remove_all(stdfs::path(mountpoint_) / ".cache");
  write_file(stdfs::path(mountpoint_) / ".cache", "a file");
  const auto mounted = mount();
  EXPECT_EQ(read_file(*mounted / kNeffPath).error, 0);
}

// SEMANTICS 10: a full disk is ENOSPC, to the writer and to who wants a file fetched, and nothing
// else is harmed.
TEST_F(BadInput, FullDisk) {
  const std::string layer = make_directory("layer");
  ASSERT_EQ(::mount("tmpfs", layer.c_str(), "tmpfs", 0, "size=2200k,mode=0777"), 0);
  {
    const auto mounted = mount({"layer=" + layer});
    write_file(*mounted / "mine.txt", "mine");
    EXPECT_EQ(read_file(*mounted / (sample::kInferenceModule + "/model.neff")).error, ENOSPC);
    EXPECT_EQ(read_file(*mounted / (sample::kTransformerModule + "/model.neff")),
              (Bytes{0, sample::bytes_of(sample::kTransformerModule + "/model.neff")}));
    auto file = open_file(*mounted / "big", O_WRONLY | O_CREAT);
    const std::string piece(1 << 16, 'x');
    ssize_t written = 0;
    while ((written = ::write(file.get(), piece.data(), piece.size())) > 0) {
    }
    EXPECT_EQ(errno, ENOSPC);
    file.reset();
    EXPECT_EQ(read_file(*mounted / "mine.txt").text, "mine");
    EXPECT_EQ(stat_error(*mounted / (sample::kTrainingModule + "/model.done")), 0);
    EXPECT_EQ(::unlink((*mounted / "big").c_str()), 0);
    EXPECT_EQ(read_file(*mounted / (sample::kPreviousModule + "/compile_flags.json")).error, 0);
  }
  EXPECT_EQ(::umount2(layer.c_str(), MNT_DETACH), 0);
}

// Peer lesson 2 (start fails with a large cache): a mount answers before the layer was looked at.
TEST_F(BadInput, ALayerWithManyFilesIsMountedAtOnce) {
  for (int number = 0; number < 300; ++number) {
    const auto module = stdfs::path(mountpoint_) / sample::kVersion /
                        ("MODULE_" + std::to_string(number) + "+e30acd3a");
    stdfs::create_directories(module);
    write_file(module / "model.done", "");
  }
  const auto mounted = mount();
  EXPECT_EQ(names_in(*mounted / sample::kVersion).size(), 300U);
}

}  // namespace
}  // namespace neffs::test
