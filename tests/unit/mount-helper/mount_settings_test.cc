#include "mount-helper/mount_settings.h"

#include <map>

#include "tests/unit/mount-helper/mount_helper_kit.h"

namespace neffs::test {
namespace {

using namespace mount_helper;  // NOLINT(google-build-using-namespace): all of it is meant
using std::chrono::seconds;

using Variables = std::map<std::string, std::string>;

const std::vector<OptionLine> kLines = {{"source", "lab/general", "c:1"},
                                        {"poll", "30", "c:2"},
                                        {"offline", "", "c:3"},
                                        {"ro", "yes", "c:4"},
                                        {"ro", "no", "c:6"},
                                        {"source", "lab/cache", "c:7"},
                                        {"token_file", "/t", "c:8"},
                                        {"min_free", "1G", "c:9"}};

MountSettings settled(const std::string& sources, const std::vector<std::string>& lists,
                      const Variables& variables, const std::vector<OptionLine>& lines = kLines) {
  return settle_settings(
      sources, lists, lines,
      hub::Environment([variables](const std::string& name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
      }));
}

TEST(MountSettings, TheLastLineOfAFileCounts) {
  const auto settings = settled("", {}, {});
  EXPECT_EQ(settings.sources, "lab/cache");
  EXPECT_EQ(settings.options.poll, seconds(30));
  EXPECT_TRUE(settings.options.is_offline);
  EXPECT_FALSE(settings.options.is_read_only);
  EXPECT_EQ(settings.options.token_file, "/t");
  EXPECT_EQ(settings.options.evict.min_free, 1U << 30);
}

TEST(MountSettings, WhatIsTypedWinsOverAFile) {
  const auto settings = settled("my/own", {"poll=3,ro", "token_file=/mine"}, {});
  EXPECT_EQ(settings.sources, "my/own");
  EXPECT_EQ(settings.options.poll, seconds(3));
  EXPECT_TRUE(settings.options.is_read_only);
  EXPECT_EQ(settings.options.token_file, "/mine");
  EXPECT_EQ(settings.options.evict.min_free, 1U << 30);
  EXPECT_FALSE(settled("", {"rw"}, {}, {{"ro", "yes", "c:1"}}).options.is_read_only);
}

TEST(MountSettings, TheEnvironmentWinsOverAFile) {
  EXPECT_EQ(settled("", {}, {{"CUSTOM_CACHE_REPO", "none"}}).sources, "");
  EXPECT_FALSE(settled("", {}, {{"HF_HUB_OFFLINE", "0"}}).options.is_offline);
  for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH"})
    EXPECT_EQ(settled("", {}, {{name, "x"}}).options.token_file, "") << name;
  // What nobody may look at overrules nothing.
  EXPECT_EQ(settled("", {}, {{"HF_TOKEN", "x"}, {"HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"}})
                .options.token_file,
            "/t");
}

TEST(MountSettings, ACredentialComesBehindTheOptionAlone) {
  const TemporaryDirectory directory;
  const Variables given = {{"CREDENTIALS_DIRECTORY", directory.path().string()},
                           {"HF_TOKEN", "hf_other"}};
  EXPECT_EQ(settled("", {}, given).options.token_file, "");
  write_file(directory.path() / "token", "hf_x\n");
  EXPECT_EQ(settled("", {}, given).options.token_file, (directory.path() / "token").string());
  EXPECT_EQ(settled("", {"token_file=/mine"}, given).options.token_file, "/mine");
}

}  // namespace
}  // namespace neffs::test
