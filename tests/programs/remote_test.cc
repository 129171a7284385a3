// Programs that walk or copy a directory in which most names are only in the repo.
#include <set>
#include <string>

#include "tests/programs/programs_test.h"

namespace neffs::test {
namespace {

// In the place of a file: the bytes of the sample repo, or that there is none.
std::string sample_bytes(const std::string& path) {
  for (const NewFile& file : sample::files())
    if (file.path == path) return sample::bytes_of(path);
  return "not in the repo";
}

class RemoteTest : public MountTestBothWays {
 protected:
  std::string out(const std::vector<std::string>& words) {
    const Ended ended = command(words);
    EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
    return ended.out;
  }
  // Whole files that were sent: not the first bytes of an old compiler's NEFF, which tell whether it
  // is one.
  std::size_t downloads() {
    EXPECT_TRUE(hub_.traffic().wait_until_idle());
    std::size_t count = 0;
    for (const LoggedRequest& request : hub_.traffic().log({.kind = Kind::kCdnGet}))
      if (request.range.empty() || request.bytes_sent > 512) ++count;
    return count + hub_.traffic().count(Kind::kResolveCache);
  }
  // Every file below the copy has the repo's bytes.
  void expect_sample_files(const std::filesystem::path& copy, const std::string& path) {
    for (const std::string& name : files_below(copy)) {
      const std::string original = path.empty() ? name : path + "/" + name;
      if (original == ".gitattributes") continue;  // the Hub's own
      EXPECT_TRUE(read_file(copy / name).text == sample_bytes(original)) << original;
    }
  }

  TestRepo& repo_ = sample::create(hub_);
};
NEFFS_BOTH_WAYS(RemoteTest);

// By default a scan does not see what nobody here has used, and downloads nothing of it.
TEST_P(RemoteTest, ScansDownloadNothing) {
  for (const char* list : {"list=auto", "list=all"}) {
    const auto mounted = mount({way(), list});
    const std::string root = mounted->root().string();
    EXPECT_NE(out({"du", "-sh", root}), "");
    EXPECT_EQ(out({"find", root, "-type", "f"}) == "", std::string(list) == "list=auto");
    EXPECT_NE(out({"ls", "-R", root}), "");
    EXPECT_NE(out({"find", root, "-name", "*.neff", "-size", "+100k"}) == "",
              std::string(list) == "list=all");
    EXPECT_EQ(downloads(), 0U) << requests();
    EXPECT_EQ(mounted->status()["reads"]["fetched"], 0);
  }
}

// du counts what remote files will take, so that nobody is surprised.
TEST_P(RemoteTest, DuShowsTheSizeOfARemoteModule) {
  const auto mounted = mount({way()});
  std::size_t bytes = 0;
  for (const std::string& name : names_in(*mounted / sample::kInferenceModule))
    bytes += sample::bytes_of(sample::kInferenceModule + "/" + name).size();
  const std::string words = out({"du", "-sb", (*mounted / sample::kInferenceModule).string()});
  EXPECT_GE(std::stoul(words), bytes);
  EXPECT_LT(std::stoul(words), bytes + 10'000);
  EXPECT_EQ(downloads(), 0U) << requests();
}

// A copy of one module downloads this module, each file of it once.
TEST_P(RemoteTest, CpOfAModuleDownloadsThatModule) {
  const auto mounted = mount({way()});
  const auto copy = scratch_ / "copy";
  out({"cp", "-a", (*mounted / sample::kInferenceModule).string(), copy.string()});
  EXPECT_EQ(files_below(copy).size(), 5U);
  expect_sample_files(copy, sample::kInferenceModule);
  EXPECT_EQ(downloads(), 4U) << requests();  // the done mark is empty, and needs no request
}

// rsync of the mount brings what a listing shows: by default not the modules nobody here has used.
TEST_P(RemoteTest, RsyncOfTheMountBringsWhatIsListed) {
  NEFFS_NEEDS("rsync");
  const auto mounted = mount({way()});
  ASSERT_EQ(read_file(*mounted / (sample::kTrainingModule + "/model.neff")).error, 0);
  ASSERT_TRUE(eventually(
      [&] { return stat_error(mounted->layer(sample::kTrainingModule + "/model.done")) == 0; }));
  const auto copy = scratch_ / "copy";
  out({"rsync", "-a", mounted->root().string() + "/", copy.string() + "/"});
  expect_sample_files(copy, "");
  EXPECT_EQ(names_in(copy / sample::kVersion), names_in(*mounted / sample::kVersion));
  EXPECT_TRUE(files_below(copy).contains(sample::kTrainingModule + "/model.neff"));
  for (const std::string& module :
       {sample::kInferenceModule, sample::kPreviousModule, sample::kTracedModule})
    EXPECT_FALSE(files_below(copy).contains(module + "/model.neff")) << module;
  EXPECT_EQ(hub_.traffic().count({.kind = Kind::kCdnGet, .text = sample::kInferenceModule}), 0U);
}

TEST_P(RemoteTest, RsyncOfTheMountBringsEverythingThatIsVisible) {
  NEFFS_NEEDS("rsync");
  const auto mounted = mount({way(), "list=all"});
  const auto copy = scratch_ / "copy";
  const std::string from = mounted->root().string() + "/";
  out({"rsync", "-a", from, copy.string() + "/"});
  EXPECT_EQ(files_below(copy), files_below(mounted->root()));
  expect_sample_files(copy, "");
  EXPECT_TRUE(std::filesystem::exists(copy / sample::kTracedModule / "unet/model.neuron"));
  // Not the times of directories: what is fetched gets a name in its own.
  EXPECT_EQ(out({"rsync", "-anO", "--checksum", "--itemize-changes", from, copy.string() + "/"}),
            "");
}

}  // namespace
}  // namespace neffs::test
