// The layer's directory, with everything in it that could lead outside.
#include "fs/layer.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <system_error>
#include <thread>

#include "tests/unit/fs/fs_kit.h"

namespace neffs::test {
namespace {

using fs::Layer;

int error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const std::system_error& error) {
    return error.code().value();
  }
  return 0;
}

class LayerTest : public testing::Test {
 protected:
  LayerTest() : layer_(inside_.open()) {
    write_file(outside_ / "secret", "secret");
    write_file(inside_ / "real/file", "bytes");
  }

  TempDirectory outside_;
  TempDirectory inside_;
  Layer layer_;
};

TEST_F(LayerTest, NoSymlinkLeadsAnywhere) {
  const std::string fd = "/proc/self/fd/" + std::to_string(layer_.root_fd());
  const std::vector<std::string> targets = {outside_.path().string(),
                                            "../" + outside_.path().filename().string(),
                                            (inside_ / "real").string(),
                                            "real",
                                            "/proc/self/cwd",
                                            "/proc/self/root",
                                            fd};
  for (const auto& target : targets) {
    ASSERT_EQ(::symlink(target.c_str(), (inside_ / "link").c_str()), 0);
    for (const std::string path : {"link/secret", "link/file", "link/real/file"}) {
      EXPECT_FALSE(layer_.stat(path)) << target << " " << path;
      EXPECT_EQ(error_of([&] { layer_.open(path, O_RDONLY); }), ELOOP) << target;
      EXPECT_EQ(error_of([&] { layer_.open(path, O_WRONLY | O_CREAT, 0600); }), ELOOP) << target;
      EXPECT_NE(error_of([&] { layer_.parent_of(path); }), 0) << target;
      EXPECT_NE(error_of([&] { layer_.make_directories("link/new", 0777, 0, 0); }), 0) << target;
    }
    EXPECT_NE(error_of([&] { layer_.list("link"); }), 0) << target;
    EXPECT_EQ(error_of([&] { layer_.open("link", O_RDONLY); }), ELOOP) << target;
    const auto st = layer_.stat("link");
    ASSERT_TRUE(st) << "the link itself is there";
    EXPECT_TRUE(S_ISLNK(st->st_mode));
    EXPECT_EQ(layer_.read_link("link"), target);
    ASSERT_EQ(::unlink((inside_ / "link").c_str()), 0);
  }
  EXPECT_EQ(tree_of(outside_.path()), std::vector<std::string>{"secret"});
}

TEST_F(LayerTest, DotsLeadNowhere) {
  for (const std::string path : {"../x", "real/../../x", "/etc/passwd", "real/../.."})
    EXPECT_NE(error_of([&] { layer_.open(path, O_RDONLY); }), 0) << path;
}

TEST_F(LayerTest, StatTellsAbsenceFromFailure) {
  EXPECT_FALSE(layer_.stat("nothing"));
  EXPECT_FALSE(layer_.stat("nothing/at/all"));
  EXPECT_FALSE(layer_.stat("real/file/below"));
  EXPECT_TRUE(S_ISDIR(layer_.stat("")->st_mode));
  EXPECT_EQ(layer_.stat("real/file")->st_size, 5);
  EXPECT_EQ(error_of([&] { layer_.stat(std::string(256, 'x')); }), ENAMETOOLONG);
  EXPECT_FALSE(layer_.stat(std::string(255, 'x')));
  EXPECT_EQ(error_of([&] { layer_.open("real/file/below", O_RDONLY); }), ENOTDIR);
  EXPECT_EQ(error_of([&] { layer_.open("nothing", O_RDONLY); }), ENOENT);
  EXPECT_EQ(error_of([&] { layer_.read_link("real/file"); }), EINVAL);
}

TEST_F(LayerTest, TakesTheLongestNames) {
  const std::string name(255, 'x');
  layer_.open(name, O_WRONLY | O_CREAT, 0600);
  EXPECT_TRUE(layer_.stat(name));
  EXPECT_EQ(error_of([&] { layer_.open(name + "x", O_WRONLY | O_CREAT, 0600); }), ENAMETOOLONG);
  layer_.make_directories("d/" + name + "/e", 0777, ::geteuid(), ::getegid());
  EXPECT_TRUE(layer_.stat("d/" + name + "/e"));
}

TEST_F(LayerTest, DirectoriesGetTheirModeWhateverTheUmask) {
  const auto old = ::umask(0077);
  layer_.make_directories("a/b/c", 0777, ::geteuid(), ::getegid());
  ::umask(old);
  for (const std::string path : {"a", "a/b", "a/b/c"})
    EXPECT_EQ(layer_.stat(path)->st_mode & 07777, 0777U) << path;
  ::chmod((inside_ / "a").c_str(), 0700);
  layer_.make_directories("a/b/c", 0755, ::geteuid(), ::getegid());
  EXPECT_EQ(layer_.stat("a")->st_mode & 07777, 0700U) << "what is there is left alone";
  EXPECT_EQ(error_of([&] { layer_.make_directories("real/file/x", 0777, 0, 0); }), ENOTDIR);
  layer_.make_directories("", 0777, 0, 0);
}

TEST_F(LayerTest, ManyThreadsMakeOneDirectory) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 50; ++n)
        layer_.make_directories("m/" + std::to_string(n) + "/x", 0777, ::geteuid(), ::getegid());
    });
  threads.clear();
  for (int n = 0; n < 50; ++n) EXPECT_TRUE(layer_.stat("m/" + std::to_string(n) + "/x"));
}

TEST_F(LayerTest, ListsEverythingButTheDots) {
  layer_.make_directories("big", 0777, ::geteuid(), ::getegid());
  for (int i = 0; i < 5000; ++i) layer_.open("big/" + std::to_string(i), O_WRONLY | O_CREAT, 0600);
  ASSERT_EQ(::symlink("nowhere", (inside_ / "big/link").c_str()), 0);
  auto entries = layer_.list("big");
  EXPECT_EQ(entries.size(), 5001U);
  const auto link = std::find_if(entries.begin(), entries.end(),
                                 [](const auto& entry) { return entry.name == "link"; });
  ASSERT_NE(link, entries.end());
  EXPECT_EQ(link->type, DT_LNK);
  EXPECT_EQ(error_of([&] { layer_.list("real/file"); }), ENOTDIR);
  EXPECT_EQ(error_of([&] { layer_.list("nothing"); }), ENOENT);
  EXPECT_EQ(layer_.list("").size(), 2U);
}

TEST_F(LayerTest, ParentAndName) {
  const auto parent = layer_.parent_of("real/new");
  EXPECT_EQ(parent.name, "new");
  struct stat st {};
  ASSERT_EQ(::fstat(parent.fd.get(), &st), 0);
  EXPECT_EQ(st.st_ino, layer_.stat("real")->st_ino);
  EXPECT_EQ(layer_.parent_of("top").name, "top");
}

TEST(Paths, AreTakenApartAndJoined) {
  EXPECT_EQ(fs::parent_path("a/b/c"), "a/b");
  EXPECT_EQ(fs::parent_path("a"), "");
  EXPECT_EQ(fs::parent_path(""), "");
  EXPECT_EQ(fs::base_name("a/b"), "b");
  EXPECT_EQ(fs::base_name("a"), "a");
  EXPECT_EQ(fs::join_path("", "a"), "a");
  EXPECT_EQ(fs::join_path("a", "b"), "a/b");
  EXPECT_EQ(fs::join_path("a", ""), "a");
}

}  // namespace
}  // namespace neffs::test
