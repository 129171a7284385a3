// What is wanted soon is fetched before it is wanted, through the mount, within the limits that it has.
#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>

#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;

constexpr std::size_t kNeffBytes = 300'000;
const std::string kOtherVersion = "neuronxcc-2.15.128.0+56dc5a86";

std::string name_of(int number) {
  return "MODULE_" + std::to_string(4700 + number) + "+e30acd3a";
}

std::string module_path(int number) {
  return (number < 3 ? sample::kVersion : kOtherVersion) + "/" + name_of(number);
}

std::string neff_of(int number) {
  return module_path(number) + "/model.neff";
}

class WarmTest : public MountTest {
 protected:
  WarmTest() {
    std::vector<NewFile> files;
    for (int number = 1; number <= 3; ++number) {
      files.push_back({neff_of(number), std::string(kNeffBytes, static_cast<char>(number)), true});
      files.push_back({module_path(number) + "/model.done", ""});
    }
    files.push_back({module_path(4) + "/model.neff", "not finished"});
    repo_.commit(files);
  }

  std::unique_ptr<Mount> mount_cache(std::vector<std::string> options = {"min_free=0"}) {
    return mount_as({.source = "team/cache", .options = std::move(options)});
  }
  Ended asking(const std::string& command, std::vector<std::string> words) const {
    words.insert(words.begin(), {command, "--mountpoint", (scratch_ / "mnt").string()});
    return neffs(words);
  }
  Ended warm(const std::vector<std::string>& words) const { return asking("warm", words); }
  // Somebody works on the model, and reads these modules.
  Ended use(const std::string& model, const std::vector<int>& numbers) const {
    std::string text = "true";
    for (const int number : numbers)
      text += " && cat '" + (scratch_ / "mnt" / neff_of(number)).string() + "' >/dev/null";
    return asking("run", {"--model", model, "--", "sh", "-c", text});
  }
  void evict_all() const {
    const Ended ended = asking("evict", {"--to", "0"});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
  }
  // Each with its mark: a moment after its files were opened.
  static bool are_here(const Mount& mounted, const std::vector<int>& numbers) {
    return eventually([&] {
      return std::all_of(numbers.begin(), numbers.end(), [&](int number) {
        return stat_error(mounted.layer(module_path(number) + "/model.done")) == 0;
      });
    });
  }
  static bool is_absent(const Mount& mounted, int number) {
    return stat_error(mounted.layer(neff_of(number))) == ENOENT;
  }
  std::size_t downloads() {
    return hub_.traffic().count({.kind = Kind::kResolveGet, .text = "model.neff"});
  }

  TestRepo& repo_ = hub_.create_repo("team/cache");
};

TEST_F(WarmTest, AModuleIsFetchedByItsNameAndByItsPath) {
  const auto mounted = mount_cache();
  const Ended bare = warm({"--module", name_of(1)});
  EXPECT_EQ(bare.exit_code, 0) << bare.err;
  EXPECT_EQ(bare.out.substr(0, bare.out.find(" in ")),
            "1 module with 293 KiB to fetch, 0 here already\n2 files fetched, 293 KiB");
  EXPECT_TRUE(are_here(*mounted, {1}));
  EXPECT_TRUE(is_absent(*mounted, 2));
  EXPECT_EQ(warm({"--module", (*mounted / module_path(2)).string(), module_path(3)}).exit_code, 0);
  EXPECT_TRUE(are_here(*mounted, {2, 3}));
}

TEST_F(WarmTest, WhatIsHereIsNotFetchedAgain) {
  const auto mounted = mount_cache();
  EXPECT_EQ(warm({"--module", name_of(1)}).exit_code, 0);
  EXPECT_TRUE(are_here(*mounted, {1}));
  const auto before = downloads();
  const Ended again = warm({"--module", name_of(1)});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.out, "0 modules with 0 B to fetch, 1 here already\n");
  EXPECT_EQ(downloads(), before);
}

TEST_F(WarmTest, ACompilerIsFetchedWholeAndWhatIsUnfinishedIsNot) {
  const auto mounted = mount_cache();
  EXPECT_EQ(warm({"--version", sample::kVersion.substr(10, 4)}).exit_code, 0);
  EXPECT_TRUE(are_here(*mounted, {1, 2}));
  EXPECT_TRUE(is_absent(*mounted, 3));
  const Ended all = warm({"--all", "--quiet"});
  EXPECT_EQ(all.exit_code, 0) << all.err;
  EXPECT_EQ(all.err, "");
  EXPECT_TRUE(are_here(*mounted, {3}));
  EXPECT_TRUE(is_absent(*mounted, 4));
}

TEST_F(WarmTest, WhatWasDeletedHereStaysAway) {
  const auto mounted = mount_cache();
  stdfs::remove_all(*mounted / module_path(1));
  EXPECT_EQ(warm({"--all"}).exit_code, 0);
  EXPECT_TRUE(are_here(*mounted, {2, 3}));
  EXPECT_TRUE(is_absent(*mounted, 1));
}

TEST_F(WarmTest, TheDiskAndTheCacheAreNotFilled) {
  {
    const auto mounted = mount_cache({"min_free=1000T"});
    const Ended ended = warm({"--all"});
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_NE(ended.err.find("too full (min_free)"), std::string::npos) << ended.err;
    EXPECT_EQ(downloads(), 0U);
  }
  const auto mounted = mount_cache({"min_free=0", "cache_size=700000"});
  const Ended ended = warm({"--all", "--json"});
  EXPECT_EQ(ended.exit_code, 1);
  const auto answer = nlohmann::json::parse(ended.out);
  EXPECT_EQ(answer["stopped"], "cache_size is reached");
  EXPECT_EQ(answer["modules"], 3);
  EXPECT_EQ(answer["bytes"], 3 * kNeffBytes);
  EXPECT_LE(answer["bytes_fetched"], 700'000);
}

// Of files that the Hub has declared and nobody has to hold.
TEST_F(WarmTest, AboveTwentyGigabytesItAsks) {
  constexpr std::uint64_t kMuch = std::uint64_t{20} << 30;
  const auto declare = [&](int number, char digit, std::uint64_t size) {
    const LfsPointer neff{std::string(64, digit), size};
    repo_.add_large_file(neff);
    repo_.commit({{neff_of(number), neff}, {module_path(number) + "/model.done", ""}});
  };
  declare(5, 'a', kMuch);
  declare(6, 'b', kMuch + 1);
  const auto mounted = mount_cache({"min_free=1000T"});
  const auto is_full = [](const Ended& ended) {
    return ended.exit_code == 1 && ended.err.find("too full (min_free)") != std::string::npos;
  };
  const Ended as_much = warm({"--module", name_of(5)});
  EXPECT_TRUE(is_full(as_much)) << as_much.err;
  const Ended more = warm({"--module", name_of(6)});
  EXPECT_EQ(more.exit_code, 2);
  EXPECT_EQ(more.out, "1 module with 20 GiB to fetch, 0 here already\n");
  EXPECT_NE(more.err.find("Fetch 20 GiB?: there is no terminal to answer on (--yes says yes)"),
            std::string::npos)
      << more.err;
  const Ended sure = warm({"--module", name_of(6), "--yes"});
  EXPECT_TRUE(is_full(sure)) << sure.err;
  EXPECT_EQ(downloads(), 0U);
}

TEST_F(WarmTest, WhatCannotBeFetchedIsNamedAndTheRestIsFetched) {
  const auto mounted = mount_cache();
  const Ended ended = warm({"--module", name_of(1), name_of(9), "--version", "9.9"});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find(name_of(9) + ": no source has it finished"), std::string::npos)
      << ended.err;
  EXPECT_NE(ended.err.find("9.9: no source has it finished"), std::string::npos) << ended.err;
  EXPECT_TRUE(are_here(*mounted, {1}));
}

TEST_F(WarmTest, TheModulesOfAModelAreThoseThatItHasUsed) {
  {
    const auto mounted = mount_cache();
    const Ended ended = use("lab/llama", {1, 3});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_EQ(ended.err, "2 modules noted as used by lab/llama\n");
    EXPECT_EQ(use("lab/other", {2}).exit_code, 0);
    EXPECT_EQ(use("lab/llama", {}).err, "0 modules noted as used by lab/llama\n");
    EXPECT_TRUE(are_here(*mounted, {1, 2, 3}));
    evict_all();
    EXPECT_TRUE(is_absent(*mounted, 1) && is_absent(*mounted, 2) && is_absent(*mounted, 3));
  }
  const auto mounted = mount_cache();  // what was noted is still known
  const Ended one = warm({"--model", "lab/llama", "--version", "2.15"});
  EXPECT_EQ(one.exit_code, 0) << one.err;
  EXPECT_TRUE(are_here(*mounted, {3}));
  EXPECT_TRUE(is_absent(*mounted, 1));
  const Ended ended = warm({"--model", "lab/llama"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_TRUE(are_here(*mounted, {1, 3}));
  EXPECT_TRUE(is_absent(*mounted, 2)) << "another model's";
  const Ended none = warm({"--model", "lab/llama", "--version", "9.9"});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_NE(none.err.find("none of the 2 modules that it has used is of that version"),
            std::string::npos)
      << none.err;
  EXPECT_EQ(warm({"--model", "lab/llam"}).exit_code, 1);
}

TEST_F(WarmTest, LocksAndInputsAreNoUseOfAModule) {
  const auto mounted = mount_cache();
  const auto module = (*mounted / module_path(1)).string();
  const Ended ended =
      asking("run", {"--model", "lab/llama", "--", "sh", "-c",
                     "cd '" + module +
                         "' && touch model.hlo_module.pb.lock && cat compile_flags.json "
                         "model.log; rm model.hlo_module.pb.lock; ls >/dev/null; stat model.done"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_NE(ended.err.find("0 modules noted as used by lab/llama"), std::string::npos) << ended.err;
}

// What nothing tells the end of ends with its process.
TEST_F(WarmTest, NothingIsNotedForAProcessThatIsGone) {
  const auto mounted = mount_cache();
  const auto running = start({NEFFS_PROGRAM, "run", "--model", "lab/llama", "--mountpoint",
                              mounted->root().string(), "--", "sh", "-c", "echo ready; read line"});
  ASSERT_TRUE(running->wait_for_out("ready")) << running->err();
  EXPECT_EQ(read_file(*mounted / neff_of(1)).text.size(), kNeffBytes);
  running->send(SIGKILL);
  ASSERT_TRUE(running->wait());
  EXPECT_EQ(read_file(*mounted / neff_of(2)).text.size(), kNeffBytes);
  const Ended planned = warm({"--model", "lab/llama", "--json"});
  EXPECT_EQ(nlohmann::json::parse(planned.out).at("modules_here"), 1) << planned.out;
}

TEST_F(WarmTest, WhatWasFetchedAheadStaysUntilItIsUsed) {
  {
    const auto mounted = mount_cache();
    EXPECT_EQ(warm({"--module", name_of(1), name_of(2)}).exit_code, 0);
    EXPECT_EQ(read_file(*mounted / neff_of(3)).text.size(), kNeffBytes);
    EXPECT_TRUE(are_here(*mounted, {1, 2, 3}));
    evict_all();
    EXPECT_TRUE(is_absent(*mounted, 3));
    EXPECT_TRUE(are_here(*mounted, {1, 2}));
    const Ended why = asking("explain", {module_path(1)});
    EXPECT_NE(why.out.find("pinned for s"), std::string::npos) << why.out;
  }
  const auto mounted = mount_cache();
  EXPECT_EQ(read_file(*mounted / neff_of(1)).text.size(), kNeffBytes);
  evict_all();
  EXPECT_TRUE(is_absent(*mounted, 1)) << "it was used";
  EXPECT_TRUE(are_here(*mounted, {2}));
  EXPECT_EQ(asking("explain", {module_path(1)}).out.find("pinned"), std::string::npos);
  EXPECT_EQ(asking("evict", {module_path(2)}).exit_code, 0);
  EXPECT_TRUE(is_absent(*mounted, 2)) << "somebody has said so";
}

TEST_F(WarmTest, WhatItIsToldWronglyItSays) {
  EXPECT_EQ(warm({"--all"}).exit_code, 1) << "nothing is mounted";
  EXPECT_EQ(warm({}).exit_code, 2);
  EXPECT_EQ(warm({"--all", "--module", name_of(1)}).exit_code, 2);
  EXPECT_EQ(warm({"--all", "--model", "lab/llama"}).exit_code, 2);
  {
    const auto mounted = mount_cache();
    const Ended model = warm({"--model", "lab/llama"});
    EXPECT_EQ(model.exit_code, 1);
    EXPECT_NE(model.err.find("lab/llama: which modules it needs is not known"), std::string::npos)
        << model.err;
    EXPECT_NE(model.err.find("neffs run --model notes it"), std::string::npos) << model.err;
  }
  const auto mounted = mount_cache({"offline"});
  const Ended offline = warm({"--all"});
  EXPECT_EQ(offline.exit_code, 1);
  EXPECT_NE(offline.err.find("nothing can be fetched"), std::string::npos) << offline.err;
}

}  // namespace
}  // namespace neffs::test
