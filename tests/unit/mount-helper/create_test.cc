// The parts of `create`: what .gitattributes has to say, and where the default repo is written down.
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "mount-helper/default_repo.h"
#include "mount-helper/lfs_patterns.h"
#include "tests/unit/mount-helper/mount_helper_kit.h"

namespace neffs::test {
namespace {

using mount_helper::default_repo_file;
using mount_helper::read_default_repo;
using mount_helper::with_lfs_patterns;
using mount_helper::write_default_repo;

const std::string kNeff = "*.neff filter=lfs diff=lfs merge=lfs -text\n";
const std::string kHlo = "*.hlo* filter=lfs diff=lfs merge=lfs -text\n";

TEST(LfsPatterns, OnlyWhatIsMissingIsAdded) {
  const std::pair<std::string, std::optional<std::string>> rows[] = {
      {"", kNeff + kHlo},
      {kNeff + kHlo, std::nullopt},
      {kNeff, kNeff + kHlo},
      {"a filter=lfs", "a filter=lfs\n" + kNeff + kHlo},
      {"  *.neff -text filter=lfs\n*.hlo* filter=lfs", std::nullopt},
      {"*.neff -filter\n" + kHlo, "*.neff -filter\n" + kHlo + kNeff},
      {"# *.neff filter=lfs\n" + kHlo, "# *.neff filter=lfs\n" + kHlo + kNeff},
      {"a/*.neff filter=lfs\n" + kHlo, "a/*.neff filter=lfs\n" + kHlo + kNeff},
  };
  for (const auto& [text, expected] : rows) EXPECT_EQ(with_lfs_patterns(text), expected) << text;
}

class DefaultRepo : public testing::Test {
 protected:
  std::string text() const {
    std::ifstream in(default_repo_file(environment_));
    return {std::istreambuf_iterator<char>(in), {}};
  }

  const TemporaryDirectory directory_;
  const hub::Environment environment_{
      [this](const std::string& name) -> std::optional<std::string> {
        if (name != "HF_HOME") return std::nullopt;
        return (directory_.path() / "a" / "hf").string();
      }};
};

// The other reader of it takes every byte for the name.
TEST_F(DefaultRepo, IsTheWholeTextOfItsFile) {
  EXPECT_EQ(read_default_repo(environment_), "");
  write_default_repo(environment_, "lab/cache");
  EXPECT_EQ(text(), "lab/cache");
  write_default_repo(environment_, "ada/x");
  EXPECT_EQ(text(), "ada/x");
  EXPECT_EQ(read_default_repo(environment_), "ada/x");
  const auto names = std::filesystem::directory_iterator(directory_.path() / "a" / "hf");
  EXPECT_EQ(std::distance(begin(names), end(names)), 1) << "nothing else is left there";
}

TEST_F(DefaultRepo, BelongsToTheOwnerOfTheHome) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root writes for others";
  ASSERT_EQ(::chown(directory_.path().c_str(), 65534, 65534), 0);
  write_default_repo(environment_, "lab/cache");
  for (const std::string& path :
       {default_repo_file(environment_), (directory_.path() / "a").string(),
        (directory_.path() / "a" / "hf").string()}) {
    struct stat st {};
    ASSERT_EQ(::stat(path.c_str(), &st), 0) << path;
    EXPECT_EQ(st.st_uid, 65534U) << path;
    EXPECT_EQ(st.st_gid, 65534U) << path;
  }
}

TEST_F(DefaultRepo, WhatCannotBeWrittenIsSaid) {
  write_file(directory_.path() / "a", "in the way");
  EXPECT_THROW(write_default_repo(environment_, "lab/cache"), std::system_error);
}

}  // namespace
}  // namespace neffs::test
