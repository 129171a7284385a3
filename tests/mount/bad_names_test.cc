// Names that are too long for a directory, and paths that are too long for a system call.
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

// What a call on a path gives: 0 or errno.
struct Call {
  std::string name;
  std::function<int(const std::string& path)> run;
};

int error_of(long result) {
  return result < 0 ? errno : 0;
}

int follow_error(const std::string& path) {
  struct stat st {};
  return error_of(::stat(path.c_str(), &st));
}

int statvfs_error(const std::string& path) {
  struct statvfs st {};
  return error_of(::statvfs(path.c_str(), &st));
}

// Of calls with two paths, the other one is good: `there` exists, `absent` does not.
std::vector<Call> calls(const std::string& there, const std::string& absent) {
  const auto open = [](const std::string& path, int flags) { return open_error(path, flags); };
  const auto on = [](auto call) {
    return [call](const std::string& path) { return error_of(call(path.c_str())); };
  };
  return {
      {"stat", follow_error},
      {"lstat", stat_error},
      {"statvfs", statvfs_error},
      {"access", on([](const char* path) { return ::access(path, R_OK); })},
      {"open", [open](const std::string& path) { return open(path, O_RDONLY); }},
      {"create", [open](const std::string& path) { return open(path, O_RDWR | O_CREAT); }},
      {"create, exclusively",
       [open](const std::string& path) { return open(path, O_RDWR | O_CREAT | O_EXCL); }},
      {"mkdir", on([](const char* path) { return ::mkdir(path, 0777); })},
      {"mkfifo", on([](const char* path) { return ::mkfifo(path, 0666); })},
      {"symlink", on([](const char* path) { return ::symlink("target", path); })},
      {"readlink", on([](const char* path) {
         std::array<char, 8> target{};
         return ::readlink(path, target.data(), target.size());
       })},
      {"link from", on([absent](const char* path) { return ::link(path, absent.c_str()); })},
      {"link to", on([there](const char* path) { return ::link(there.c_str(), path); })},
      {"unlink", on([](const char* path) { return ::unlink(path); })},
      {"rmdir", on([](const char* path) { return ::rmdir(path); })},
      {"rename from", on([absent](const char* path) { return ::rename(path, absent.c_str()); })},
      {"rename to", on([there](const char* path) { return ::rename(there.c_str(), path); })},
      {"rename, exchanging", on([there](const char* path) {
         return ::renameat2(AT_FDCWD, there.c_str(), AT_FDCWD, path, RENAME_EXCHANGE);
       })},
      {"chmod", on([](const char* path) { return ::chmod(path, 0600); })},
      {"chown", on([](const char* path) { return ::chown(path, 1, 1); })},
      {"truncate", on([](const char* path) { return ::truncate(path, 0); })},
      {"utimes", on([](const char* path) { return ::utimes(path, nullptr); })},
      {"getxattr", on([](const char* path) { return ::getxattr(path, "user.x", nullptr, 0); })},
      {"setxattr", on([](const char* path) { return ::setxattr(path, "user.x", "1", 1, 0); })},
      {"listxattr", on([](const char* path) { return ::listxattr(path, nullptr, 0); })},
      {"removexattr", on([](const char* path) { return ::removexattr(path, "user.x"); })},
      {"chdir", on([](const char* path) { return ::chdir(path); })}};
}

class BadNames : public MountTestBothWays {
 protected:
  TestRepo& repo_ = sample::create(hub_);
};
NEFFS_BOTH_WAYS(BadNames);

TEST_P(BadNames, OverTheLimitEveryCallSaysSo) {
  const auto mounted = mount({way()});
  const auto there = *mounted / "there";
  write_file(there, "x");
  const std::string longest(NAME_MAX, 'n');
  for (const std::string& directory :
       {mounted->root().string(), (*mounted / sample::kVersion).string(),
        (*mounted / sample::kTrainingModule).string()})
    for (const Call& call : calls(there, *mounted / "absent"))
      EXPECT_EQ(call.run(directory + "/" + longest + "n"), ENAMETOOLONG)
          << call.name << " in " << directory;
  EXPECT_EQ(read_file(there).text, "x");
  EXPECT_EQ(stat_error(*mounted / "absent"), ENOENT);
}

TEST_P(BadNames, AtTheLimitEverythingWorks) {
  const auto mounted = mount({way()});
  std::string snowmen;  // three bytes each: the limit counts bytes
  while (snowmen.size() + 3 <= NAME_MAX) snowmen += "\u2603";
  for (const std::string& name : {std::string(NAME_MAX, 'n'), snowmen}) {
    ASSERT_TRUE(std::filesystem::create_directory(*mounted / name));
    write_file(*mounted / (name + "/" + name), "x");
    ASSERT_EQ(::rename((*mounted / (name + "/" + name)).c_str(),
                       (*mounted / (name + "/" + "short")).c_str()),
              0);
    EXPECT_EQ(names_in(mounted->layer(name)), std::set<std::string>{"short"});
    EXPECT_EQ(read_file(*mounted / (name + "/short")).text, "x");
    EXPECT_EQ(std::filesystem::remove_all(*mounted / name), 2U);
  }
}

TEST_P(BadNames, AbsolutePathsOverTheLimitAreTheKernels) {
  const auto mounted = mount({way()});
  write_file(*mounted / "there", "x");
  std::string path = mounted->root().string();
  while (path.size() < PATH_MAX) path += "/.";
  for (const Call& call : calls(*mounted / "there", *mounted / "absent"))
    EXPECT_EQ(call.run(path), ENAMETOOLONG) << call.name;
}

// A process can go deeper, a step at a time. The daemon names files by their paths: what has none
// is refused, and what is above goes on.
TEST_P(BadNames, TreesDeeperThanAPathHaveAClearEnd) {
  const auto mounted = mount({way()});
  const std::string name(250, 'd');
  auto directory = open_file(mounted->root(), O_RDONLY | O_DIRECTORY);
  std::size_t depth = 0;
  int error = 0;
  for (; depth < 40; ++depth) {
    if (::mkdirat(directory.get(), name.c_str(), 0777) != 0) {
      error = errno;
      break;
    }
    directory.reset(::openat(directory.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(directory) << depth << ": " << errno;
  }
  EXPECT_GE(depth * (name.size() + 1), PATH_MAX - 2 * name.size());
  EXPECT_TRUE(depth == 40 || error == ENAMETOOLONG) << error;
  write_file(*mounted / (name + "/above"), "x");
  EXPECT_EQ(read_file(*mounted / (name + "/above")).text, "x");
  EXPECT_EQ(command({"rm", "-r", (*mounted / name).string()}).exit_code, 0);
  EXPECT_EQ(stat_error(*mounted / name), ENOENT);
}

// Moved down, a tree may have names that no path leads to any more; moved up again it has them all.
TEST_P(BadNames, ATreeThatIsMovedTooDeepIsNotLost) {
  const auto mounted = mount({way()});
  const std::string name(250, 'd');
  std::string deep;
  for (int i = 0; i < 10; ++i) deep += name + "/";
  std::filesystem::create_directories(*mounted / ("up/" + deep));
  std::filesystem::create_directories(*mounted / ("tree/" + deep));
  write_file(*mounted / ("tree/" + deep + "leaf"), "x");
  auto at = open_file(*mounted / ("up/" + deep), O_RDONLY | O_DIRECTORY);
  const int tree = ::renameat(AT_FDCWD, (*mounted / "tree").c_str(), at.get(), "tree");
  if (tree == 0) {
    EXPECT_EQ(::renameat(at.get(), "tree", AT_FDCWD, (*mounted / "tree").c_str()), 0) << errno;
  } else {
    EXPECT_EQ(errno, ENAMETOOLONG);
  }
  EXPECT_EQ(read_file(*mounted / ("tree/" + deep + "leaf")).text, "x");
  EXPECT_EQ(
      command({"rm", "-r", (*mounted / "tree").string(), (*mounted / "up").string()}).exit_code, 0);
}

}  // namespace
}  // namespace neffs::test
