// `neffs set`: which repo is this user's, for optimum-cli too.
#include <filesystem>
#include <string>
#include <vector>

#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

class DefaultRepoTest : public MountTest {
 protected:
  DefaultRepoTest() {
    hub_.add_token("hf_w", {.user = "ada", .roles = {{"lab/cache", Role::kWrite}}});
    hub_.create_repo("lab/cache", {.is_private = true});
    hub_.create_repo("lab/shown");
    hub_.create_repo("ada/mine", {.is_private = true});
  }
  Ended set(const std::string& name, Variables more = {{"HF_TOKEN", "hf_w"}}) const {
    return neffs({"set", name}, more);
  }
  // Where optimum-cli looks.
  std::filesystem::path file() const {
    return std::filesystem::path(variables().at("HOME")) /
           ".cache/huggingface/optimum_neuron_custom_cache";
  }
};

// SEMANTICS 27: one default for both tools.
TEST_F(DefaultRepoTest, SetWritesWhatOptimumCliReads) {
  const Ended ended = set("lab/cache");
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, "the default is lab/cache (private) now, as " + file().string() + " says\n");
  EXPECT_EQ(ended.err, "");
  EXPECT_EQ(read_file(file()).text, "lab/cache") << "without a newline, as optimum-cli writes it";

  // Its turn; and back.
  write_file(file(), "lab/shown");
  const Ended again = set("lab/cache");
  EXPECT_EQ(again.err, "neffs: warning: lab/shown was the default until now\n");
  EXPECT_EQ(set("lab/cache").err, "") << "nothing changes";
}

TEST_F(DefaultRepoTest, SetTellsWhatWillNotBePublished) {
  const Ended shown = set("lab/shown");
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_NE(shown.err.find("will not be published: lab/shown"), std::string::npos) << shown.err;
  const Ended nobody = set("lab/shown", {});
  EXPECT_EQ(nobody.exit_code, 0);
  EXPECT_NE(nobody.err.find("writing takes a token"), std::string::npos) << nobody.err;
  hub_.add_token("hf_all", {.user = "ada", .elsewhere = Role::kWrite});
  const Ended open = set("lab/shown", {{"HF_TOKEN", "hf_all"}});
  EXPECT_NE(open.err.find("lab/shown is public"), std::string::npos) << open.err;
  const Ended hidden = set("lab/cache", {{"HF_TOKEN", "hf_w"}, {"CUSTOM_CACHE_REPO", "none"}});
  EXPECT_NE(hidden.err.find("CUSTOM_CACHE_REPO=none is set and comes first"), std::string::npos)
      << hidden.err;
}

TEST_F(DefaultRepoTest, SetRefusesWhatIsNoRepo) {
  struct Row {
    std::string name;
    const char* token;
    int exit_code;
    std::string said;
  };
  const Row rows[] = {{"lab/none", "hf_w", 1, "lab/none"},
                      {"lab/cache", "", 1, "lab/cache"},
                      {"lab/cache", "hf_bad", 1, "lab/cache"},
                      {"cache", "", 1, "token"},
                      {"a b", "hf_w", 2, "no repo can have this name"},
                      {"a/b/c", "hf_w", 2, "no repo can have this name"},
                      {"lab/cache@dev", "hf_w", 2, "no repo can have this name"}};
  for (const Row& row : rows) {
    const Ended ended = set(row.name, {{"HF_TOKEN", row.token}});
    EXPECT_EQ(ended.exit_code, row.exit_code) << row.name << ended.err;
    EXPECT_EQ(ended.err.find("neffs: "), 0U) << ended.err;
    EXPECT_NE(ended.err.find(row.said), std::string::npos) << ended.err;
    EXPECT_EQ(ended.out, "");
    EXPECT_FALSE(std::filesystem::exists(file())) << row.name;
  }
}

}  // namespace
}  // namespace neffs::test
