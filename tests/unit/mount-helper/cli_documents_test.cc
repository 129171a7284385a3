// Completions and the manual, as the program prints them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "mount-helper/cli.h"
#include "mount-helper/command_error.h"
#include "tests/unit/mount-helper/mount_helper_kit.h"

namespace neffs::test {
namespace {

using namespace mount_helper;  // NOLINT(google-build-using-namespace): the room under test
using testing::HasSubstr;
using Words = std::vector<std::string>;

std::string printed(const Words& words) {
  return std::get<Printed>(parse_command_line("neffs", words)).text;
}

std::string said_by(const std::string& command) {
  std::string text;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return "(not run)";
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) text += static_cast<char>(c);
  EXPECT_EQ(::pclose(pipe), 0) << command << text;
  return text;
}

TEST(Documents, EveryShellKnowsEveryCommandAndItsOptions) {
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    const auto script = printed({"completion", shell});
    for (const char* name : {"mount", "umount", "lookup", "synchronize", "completion", "version"})
      EXPECT_THAT(script, HasSubstr(name)) << shell;
    for (const char* option : {"tensor_parallel_size", "cache_dir", "clear-stale-locks"})
      EXPECT_THAT(script, HasSubstr(option)) << shell;
  }
}

// By bash itself.
TEST(Documents, BashCompletesCommandsAndOptions) {
  const TemporaryDirectory directory;
  const auto file = directory.path() / "completion";
  write_file(file, printed({"completion", "bash"}));
  const auto completed = [&](const std::string& words, int at) {
    return said_by("bash -c 'source " + file.string() + "; COMP_WORDS=(" + words +
                   "); COMP_CWORD=" + std::to_string(at) + "; _neffs; echo ${COMPREPLY[@]}' 2>&1");
  };
  EXPECT_EQ(completed("neffs syn", 1), "synchronize\n");
  EXPECT_EQ(completed("neffs re", 1), "restore retract\n");
  EXPECT_EQ(completed("neffs lookup --ba", 2), "--batch_size\n");
  EXPECT_EQ(completed("neffs create --batch", 2), "\n");
  EXPECT_EQ(completed("neffs status " + file.string().substr(0, file.string().size() - 3), 2),
            file.string() + "\n");
}

TEST(Documents, TheManualHasEveryCommand) {
  const auto page = printed({"help", "--man"});
  EXPECT_THAT(page, testing::StartsWith(".TH NEFFS 1 "));
  for (const char* part :
       {".SS neffs mount [OPTION...] [SOURCE] [MOUNTPOINT]\n", ".SS neffs set [OPTION...] NAME\n",
        ".SS neffs retract [OPTION...] MODULE...\n", ".B \\-n, \\-\\-name NAME\n",
        "hub_timeout=SECONDS", ".SH EXIT STATUS\n"})
    EXPECT_THAT(page, HasSubstr(part));
}

}  // namespace
}  // namespace neffs::test
