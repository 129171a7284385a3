// Damage that no size and no time shows is found by reading, and mended by fetching again.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>

#include "tests/mount/numbered_modules.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;

// Other bytes of the same size and time, as a bad disk leaves them.
void damage(const stdfs::path& file) {
  struct stat st {};
  ASSERT_EQ(::stat(file.c_str(), &st), 0);
  {
    const fs::UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::pwrite(fd.get(), "X", 1, st.st_size / 2), 1);
  }
  const std::array<timespec, 2> times{st.st_atim, st.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, file.c_str(), times.data(), 0), 0);
}

class VerifyTest : public NumberedModules {
 protected:
  VerifyTest() : NumberedModules(2) {}

  Ended verify(std::vector<std::string> words = {}) {
    words.insert(words.begin(), "verify");
    words.insert(words.end(), {"--mountpoint", (scratch_ / "mnt").string()});
    return neffs(words);
  }
  nlohmann::json verify_json(std::vector<std::string> words = {}) {
    words.emplace_back("--json");
    const auto ended = verify(std::move(words));
    return nlohmann::json::parse(ended.out);
  }
};
NEFFS_BOTH_WAYS(VerifyTest);

TEST_P(VerifyTest, WhatIsAsItWasIsWell) {
  const auto mounted = mount_cache();
  use(*mounted, 1);
  const Ended ended = verify();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, "2 files read, 293 KiB: all as they were\n");
  EXPECT_EQ(ended.err, "");
}

// Nobody would notice: size and time are those that were promised.
TEST_P(VerifyTest, WhatIsDamagedIsNamedAndStays) {
  const auto mounted = mount_cache();
  use(*mounted, 1);
  use(*mounted, 2);
  damage(mounted->layer(neff_of(1)));
  const Ended ended = verify();
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_EQ(ended.out,
            "4 files read, 586 KiB: 1 file damaged (neffs verify --repair has copies fetched "
            "again)\n");
  EXPECT_NE(ended.err.find("neffs: " + neff_of(1) + " is damaged: its bytes are others than"),
            std::string::npos)
      << ended.err;
  EXPECT_TRUE(is_here(*mounted, 1));
  EXPECT_EQ(verify({module_path(2)}).exit_code, 0);
  EXPECT_EQ(verify({module_path(1)}).exit_code, 1);
  EXPECT_EQ(verify({stdfs::path(module_path(1)).filename().string()}).exit_code, 1);
  EXPECT_EQ(downloads_of(1), 1U);
}

// Also where its bytes have been read already, by whoever keeps them.
TEST_P(VerifyTest, RepairHasItFetchedAgain) {
  const auto mounted = mount_cache();
  use(*mounted, 1);
  use(*mounted, 2);
  damage(mounted->layer(neff_of(1)));
  read_file(*mounted / neff_of(1));
  const Ended ended = verify({"--repair"});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find("removed, and fetched again"), std::string::npos) << ended.err;
  EXPECT_FALSE(is_here(*mounted, 1));
  EXPECT_TRUE(is_here(*mounted, 2));
  EXPECT_EQ(read_file(*mounted / neff_of(1)).text, neff_bytes(1));
  EXPECT_EQ(downloads_of(1), 2U) << requests();
  EXPECT_TRUE(eventually([&] { return is_here(*mounted, 1); }));
  EXPECT_EQ(verify().exit_code, 0);
}

TEST_P(VerifyTest, WhatIsInUseOrCannotBeHadAgainStays) {
  const auto mounted = mount_cache({"poll=0", "hub_timeout=0.3"});
  use(*mounted, 1);
  use(*mounted, 2);
  damage(mounted->layer(neff_of(1)));
  damage(mounted->layer(neff_of(2)));
  const fs::UniqueFd open(::open((*mounted / neff_of(1)).c_str(), O_RDONLY | O_CLOEXEC));
  repo_.commit({{neff_of(2), "another one", true}});
  auto found = verify_json({"--repair", module_path(1)});
  EXPECT_EQ(found["damaged"][0]["stays"], "its module is in use");
  hub_.stop();
  found = verify_json({"--repair", module_path(2)});
  EXPECT_EQ(found["damaged"][0]["removed"], false) << found;
  EXPECT_EQ(found["damaged"][0]["stays"], "its source does not answer");
  EXPECT_TRUE(is_here(*mounted, 1));
  EXPECT_TRUE(is_here(*mounted, 2));
  start_hub_again();
}

TEST_P(VerifyTest, ItReadsWithoutAMountToo) {
  {
    const auto mounted = mount_cache();
    use(*mounted, 1);
    use(*mounted, 2);
  }
  EXPECT_EQ(verify().exit_code, 0);
  ASSERT_EQ(::truncate((scratch_ / "mnt" / neff_of(1)).c_str(), 5), 0);
  stdfs::remove_all(scratch_ / "mnt" / module_path(2));  // whoever removes it knows that it is gone
  const auto found = verify_json();
  ASSERT_EQ(found["damaged"].size(), 1U) << found;
  EXPECT_EQ(found["damaged"][0]["path"], neff_of(1));
  EXPECT_EQ(found["damaged"][0]["why"], "it has 5 bytes instead of 300000");
  const Ended repair = verify({"--repair"});
  EXPECT_EQ(repair.exit_code, 1);
  EXPECT_NE(repair.err.find("only a mount can fetch"), std::string::npos) << repair.err;
}

TEST_P(VerifyTest, WhatItDoesNotKnowItSays) {
  const Ended unused = verify();
  EXPECT_EQ(unused.exit_code, 1);
  EXPECT_NE(unused.err.find("neffs keeps nothing there"), std::string::npos) << unused.err;
  const auto mounted = mount_cache();
  stdfs::create_directories(*mounted / module_path(9));
  write_file(*mounted / neff_of(9), "ours");
  const Ended ended = verify({module_path(9), "MODULE_7+e30acd3a"});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find(module_path(9) + ": no copy is there"), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("MODULE_7+e30acd3a: no copy"), std::string::npos) << ended.err;
  EXPECT_EQ(verify({"--repiar"}).exit_code, 2);
}

}  // namespace
}  // namespace neffs::test
