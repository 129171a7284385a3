#include "mount-helper/state_directory.h"

#include <sys/stat.h>

#include "tests/unit/mount-helper/mount_helper_kit.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;
using mount_helper::StateDirectory;
using mount_helper::take_state_directory;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::chrono::sys_seconds kNow{std::chrono::seconds(1'790'000'000)};
const std::string kSuffix = ".set-aside-20260921T141320Z";

class StateDirectoryTest : public testing::Test {
 protected:
  StateDirectory take() {
    return take_state_directory(layer_.open().get(), layer_.path().string(), kNow);
  }
  stdfs::path state() const { return layer_.path() / ".cache/huggingface/neffs"; }
  void make_parents() { stdfs::create_directories(state().parent_path()); }
  static mode_t mode_of(const stdfs::path& path) {
    struct stat found {};
    return ::lstat(path.c_str(), &found) == 0 ? found.st_mode & 07777 : 0;
  }
  // What has to be true whatever was found there.
  void expect_sound(const StateDirectory& taken) {
    struct stat by_name {};
    struct stat by_descriptor {};
    ASSERT_EQ(::lstat(state().c_str(), &by_name), 0);
    ASSERT_EQ(::fstat(taken.directory.get(), &by_descriptor), 0);
    EXPECT_TRUE(S_ISDIR(by_name.st_mode));
    EXPECT_EQ(by_name.st_ino, by_descriptor.st_ino);
    EXPECT_EQ(by_name.st_mode & 07777, 0700U);
    EXPECT_EQ(by_name.st_uid, ::geteuid());
  }

  TemporaryDirectory layer_;
};

TEST_F(StateDirectoryTest, IsMade) {
  const StateDirectory taken = take();
  expect_sound(taken);
  EXPECT_THAT(taken.set_aside, IsEmpty());
  EXPECT_EQ(mode_of(layer_.path() / ".cache") & 022, 0U) << "nobody else may put things there";
  write_file(taken.path_of("probe"), "x");
  EXPECT_TRUE(stdfs::exists(state() / "probe"));
}

TEST_F(StateDirectoryTest, IsFoundAgain) {
  write_file(take().path_of("index.sqlite"), "kept");
  const StateDirectory taken = take();
  EXPECT_THAT(taken.set_aside, IsEmpty());
  EXPECT_TRUE(stdfs::exists(taken.path_of("index.sqlite")));
}

TEST_F(StateDirectoryTest, OthersFilesAroundItStay) {
  make_parents();
  write_file(state().parent_path() / "download.metadata", "x");
  ::chmod((layer_.path() / ".cache").c_str(), 0777);
  const StateDirectory taken = take();
  EXPECT_THAT(taken.set_aside, IsEmpty());
  EXPECT_TRUE(stdfs::exists(state().parent_path() / "download.metadata"));
  EXPECT_EQ(mode_of(layer_.path() / ".cache"), 0777U);
}

struct InTheWay {
  const char* name;
  std::string path;  // what stands there and is renamed, relative to the layer
  std::function<void(const stdfs::path&)> put;
};

class SetAside : public StateDirectoryTest, public testing::WithParamInterface<InTheWay> {};

TEST_P(SetAside, AndNeverFollowed) {
  const TemporaryDirectory elsewhere;
  const stdfs::path path = layer_.path() / GetParam().path;
  stdfs::create_directories(path.parent_path());
  GetParam().put(path);
  const auto type = stdfs::symlink_status(path).type();
  const StateDirectory taken = take();
  expect_sound(taken);
  EXPECT_THAT(taken.set_aside, ElementsAre(path.string() + kSuffix));
  EXPECT_EQ(stdfs::symlink_status(path.string() + kSuffix).type(), type);
  EXPECT_FALSE(stdfs::exists(state() / "planted")) << "what was in it is not trusted";
}

void plant(const stdfs::path& path, mode_t mode) {
  stdfs::create_directory(path);
  write_file(path / "planted", "x");
  ASSERT_EQ(::chmod(path.c_str(), mode), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, SetAside,
    testing::Values(
        InTheWay{"file", ".cache/huggingface/neffs",
                 [](const auto& path) { write_file(path, "x"); }},
        InTheWay{"symlink", ".cache/huggingface/neffs",
                 [](const auto& path) { stdfs::create_directory_symlink("/tmp", path); }},
        InTheWay{"dangling_symlink", ".cache/huggingface/neffs",
                 [](const auto& path) { stdfs::create_symlink("/nowhere", path); }},
        InTheWay{"fifo", ".cache/huggingface/neffs",
                 [](const auto& path) { ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0); }},
        InTheWay{"open_mode", ".cache/huggingface/neffs",
                 [](const auto& path) { plant(path, 0755); }},
        InTheWay{"sticky_mode", ".cache/huggingface/neffs",
                 [](const auto& path) { plant(path, 01700); }},
        InTheWay{"symlink_above", ".cache/huggingface",
                 [](const auto& path) { stdfs::create_directory_symlink("/tmp", path); }},
        InTheWay{"symlink_at_the_root", ".cache",
                 [](const auto& path) { stdfs::create_directory_symlink("/tmp", path); }},
        InTheWay{"file_at_the_root", ".cache", [](const auto& path) { write_file(path, "x"); }}),
    [](const auto& test) { return test.param.name; });

TEST_F(StateDirectoryTest, AnotherOwnersIsSetAside) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make a directory of another owner";
  make_parents();
  plant(state(), 0700);
  ASSERT_EQ(::chown(state().c_str(), 65534, 65534), 0);
  const StateDirectory taken = take();
  expect_sound(taken);
  EXPECT_THAT(taken.set_aside, ElementsAre(state().string() + kSuffix));
}

TEST_F(StateDirectoryTest, IndexIsFoundOnlyWhereItCanBeTrusted) {
  fs::UniqueFd directory;
  EXPECT_EQ(mount_helper::find_index(layer_.path(), directory), "");
  EXPECT_FALSE(stdfs::exists(layer_.path() / ".cache"));
  write_file(take().path_of(mount_helper::kIndexName), "x");
  EXPECT_TRUE(stdfs::exists(mount_helper::find_index(layer_.path(), directory)));
  ::chmod(state().c_str(), 0777);
  EXPECT_EQ(mount_helper::find_index(layer_.path(), directory), "");
  ::chmod(state().c_str(), 0700);
  stdfs::rename(state().parent_path(), layer_.path() / "moved");
  stdfs::create_directory_symlink(layer_.path() / "moved", state().parent_path());
  EXPECT_EQ(mount_helper::find_index(layer_.path(), directory), "");
}

TEST_F(StateDirectoryTest, TwoInOneSecondGetTwoNames) {
  make_parents();
  for (int round = 0; round < 2; ++round) {
    stdfs::remove_all(state());
    write_file(state(), "x");
    take();
  }
  EXPECT_TRUE(stdfs::exists(state().string() + kSuffix));
  EXPECT_TRUE(stdfs::exists(state().string() + kSuffix + "-2"));
}

TEST_F(StateDirectoryTest, SecondDaemonIsRefusedAndToldTheFirst) {
  Bystander daemon([&] {
    static StateDirectory taken = take();  // held until the process ends
  });
  ASSERT_TRUE(daemon.is_ready());
  const Refusal refusal = refusal_of([&] { take(); });
  EXPECT_EQ(refusal.text, "layer " + layer_.path().string() + ": in use by another neffs, pid " +
                              std::to_string(daemon.pid()) +
                              " (unmount that one, or use another layer=DIR)");
  daemon.end();
  EXPECT_NO_THROW(take());
}

TEST_F(StateDirectoryTest, LockLivesAsLongAsACopyOfIt) {
  std::optional<StateDirectory> taken = take();
  Bystander child([] {});
  taken.reset();
  EXPECT_THAT(refusal_of([&] { take(); }).text, HasSubstr("in use by another neffs"));
  child.end();
  EXPECT_NO_THROW(take());
}

// Unlike another filesystem, another mount of the same one cannot be told by its device.
class StateDirectoryBelowMount : public MountingTest {};

TEST_F(StateDirectoryBelowMount, AnotherMountIsRefusedEvenOfTheSameFilesystem) {
  const stdfs::path huggingface = directory_.path() / ".cache/huggingface";
  const TemporaryDirectory elsewhere;
  stdfs::create_directories(huggingface);
  bind(elsewhere.path(), huggingface);
  const Refusal refusal = refusal_of(
      [&] { take_state_directory(directory_.open().get(), directory_.path().string(), kNow); });
  EXPECT_THAT(refusal.text, HasSubstr(huggingface.string() + ": on another filesystem"));
  EXPECT_THAT(refusal.text, HasSubstr("layer=DIR"));
  EXPECT_TRUE(stdfs::is_empty(elsewhere.path()));
}

TEST_F(StateDirectoryTest, LayerThatCannotBeWrittenNamesTheWayOut) {
  ASSERT_EQ(::chmod(layer_.path().c_str(), 0555), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) ::_exit(1);
    try {
      take();
    } catch (const mount_helper::CommandError& error) {
      const std::string text = error.what();
      ::_exit(text.find("layer=DIR") != std::string::npos ? 0 : 2);
    }
    ::_exit(3);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace neffs::test
