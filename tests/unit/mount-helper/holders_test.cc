#include "mount-helper/holders.h"

#include <sys/mman.h>

#include "tests/unit/mount-helper/mount_helper_kit.h"

namespace neffs::test {
namespace {

using mount_helper::Holder;
using mount_helper::holders_below;
using mount_helper::holders_of;
using mount_helper::holders_text;

std::string held_by(const std::vector<Holder>& holders, pid_t pid) {
  for (const Holder& holder : holders) {
    if (holder.pid == pid) return holder.what;
  }
  return "";
}

void enter(const std::filesystem::path& path) {
  if (::chdir(path.c_str()) != 0) ::_exit(1);
}

// Leaves nothing but the mapping behind.
void map_file(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED) ::_exit(1);
  ::close(fd);
}

class HoldersOfMount : public MountingTest {
 protected:
  void SetUp() override {
    MountingTest::SetUp();
    if (IsSkipped()) return;
    mount_tmpfs(directory_.path());
    write_file(directory_.path() / "file", std::string(4096, 'x'));
    std::filesystem::create_directory(directory_.path() / "sub");
  }
  TemporaryDirectory other_;

  std::vector<Holder> holders() {
    return holders_of(*mount_helper::mount_at(mount_helper::read_mount_table(), directory_.path()));
  }
};

TEST_F(HoldersOfMount, EveryKindIsNamed) {
  const auto& path = directory_.path();
  const Bystander with_cwd([&] { enter(path / "sub"); });
  const Bystander with_file([&] { (void)::open((path / "file").c_str(), O_RDONLY); });
  const Bystander with_map([&] { map_file(path / "file"); });
  const Bystander with_root([&] {
    if (::chroot(path.c_str()) != 0) ::_exit(1);
  });
  const Bystander outside([&] { enter("/"); });
  const auto found = holders();
  EXPECT_EQ(held_by(found, with_cwd.pid()), "current directory");
  EXPECT_EQ(held_by(found, with_file.pid()), "open file");
  EXPECT_EQ(held_by(found, with_map.pid()), "mapped file");
  EXPECT_EQ(held_by(found, with_root.pid()), "root directory");
  EXPECT_EQ(held_by(found, outside.pid()), "");
  EXPECT_EQ(found.size(), 4U);
}

// Its directory has the same name, and lies below the mount.
TEST_F(HoldersOfMount, WhoWorksBelowTheMountDoesNotHoldIt) {
  const Bystander below([&] { enter(other_.path()); });
  mount_tmpfs(other_.path());
  const auto mounted = mount_helper::mount_at(mount_helper::read_mount_table(), other_.path());
  EXPECT_EQ(held_by(holders_of(*mounted), below.pid()), "");
}

TEST(HoldersBelow, DirectoriesCountAndFilesDoNot) {
  const TemporaryDirectory directory;
  const auto& path = directory.path();
  std::filesystem::create_directory(path / "sub");
  std::filesystem::create_directory(path.string() + "-other");
  write_file(path / "file", "x");
  const Bystander with_cwd([&] { enter(path); });
  const Bystander with_sub([&] { (void)::open((path / "sub").c_str(), O_RDONLY | O_DIRECTORY); });
  const Bystander with_file([&] { (void)::open((path / "file").c_str(), O_RDONLY); });
  const Bystander beside([&] { enter(path.string() + "-other"); });
  const auto found = holders_below(path);
  EXPECT_EQ(held_by(found, with_cwd.pid()), "current directory");
  EXPECT_EQ(held_by(found, with_sub.pid()), "open file");
  EXPECT_EQ(held_by(found, with_file.pid()), "");
  EXPECT_EQ(held_by(found, beside.pid()), "");
  std::filesystem::remove(path.string() + "-other");
}

TEST(HoldersText, NamesAFew) {
  const Holder holder{12, "python3", "open file"};
  EXPECT_EQ(holders_text({}), "");
  EXPECT_EQ(holders_text({holder}), "python3 (pid 12, open file)");
  EXPECT_EQ(holders_text(std::vector<Holder>(2, holder)),
            "python3 (pid 12, open file), python3 (pid 12, open file)");
  EXPECT_THAT(holders_text(std::vector<Holder>(7, holder)), testing::EndsWith(" and 2 more"));
}

}  // namespace
}  // namespace neffs::test
