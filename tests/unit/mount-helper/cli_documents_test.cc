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

// By zsh itself, at a terminal of its own: what stands on the line after the tabulator is what is run.
constexpr const char* kTypeIntoZsh = R"(
zmodload zsh/zpty
zpty shell 'TERM=dumb zsh -f -i'
zpty -w shell "fpath=($1 \$fpath); autoload -Uz compinit; compinit -D -u; neffs() { print -r -- \"GOT:\$*:END\"; }; PS1='READY''> '"
zpty -r shell said '*READY> *'
zpty -w shell $2$'\t'
zpty -r shell said '*GOT:*:END*'
said=${said##*GOT:}
print -r -- ${said%%:END*}
)";

TEST(Documents, ZshCompletesCommandsAndOptions) {
  if (said_by("command -v zsh || true").empty()) GTEST_SKIP() << "there is no zsh";
  const TemporaryDirectory directory;
  write_file(directory.path() / "_neffs", printed({"completion", "zsh"}));
  write_file(directory.path() / "type", kTypeIntoZsh);
  const auto completed = [&](const std::string& words) {
    return said_by("timeout 30 zsh -f " + (directory.path() / "type").string() + " " +
                   directory.path().string() + " '" + words + "' 2>&1");
  };
  EXPECT_EQ(completed("neffs syn"), "synchronize\n");
  EXPECT_EQ(completed("neffs lookup --ba"), "lookup --batch_size\n");
  EXPECT_EQ(completed("neffs create --batch"), "create --batch\n");
  EXPECT_EQ(completed("neffs status " + (directory.path() / "ty").string()),
            "status " + (directory.path() / "type").string() + "\n");
}

TEST(Documents, FishCompletesCommandsAndOptions) {
  if (said_by("command -v fish || true").empty()) GTEST_SKIP() << "there is no fish";
  const TemporaryDirectory directory;
  const auto file = directory.path() / "neffs.fish";
  write_file(file, printed({"completion", "fish"}));
  // A candidate a line, its description behind a tabulator.
  const auto completed = [&](const std::string& words) {
    return said_by("HOME=" + directory.path().string() + " timeout 30 fish -c \"source " +
                   file.string() + "; complete -C '" + words + "'\" 2>&1 | cut -f 1");
  };
  EXPECT_EQ(completed("neffs syn"), "synchronize\n");
  EXPECT_EQ(completed("neffs re"), "restore\nretract\n");
  EXPECT_EQ(completed("neffs lookup --ba"), "--batch_size\n");
  EXPECT_EQ(completed("neffs create --batch"), "");
  EXPECT_EQ(completed("neffs status " + file.string().substr(0, file.string().size() - 3)),
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
