#include "mount-helper/output.h"

#include "mount-helper/pace.h"

#include "tests/unit/mount-helper/mount_helper_kit.h"

namespace neffs::test {
namespace {

using namespace mount_helper;  // NOLINT(google-build-using-namespace): all of it is meant

TEST(Output, SizesHaveAtMostThreeDigits) {
  const std::pair<std::uint64_t, const char*> rows[] = {{0, "0 B"},
                                                        {999, "999 B"},
                                                        {1000, "1.0 KiB"},
                                                        {1024, "1.0 KiB"},
                                                        {10'188, "9.9 KiB"},
                                                        {10'189, "10 KiB"},
                                                        {1'022'000, "998 KiB"},
                                                        {1'023'999, "1.0 MiB"},
                                                        {1ULL << 30, "1.0 GiB"},
                                                        {17ULL << 30, "17 GiB"},
                                                        {~0ULL, "16 EiB"}};
  for (const auto& [bytes, text] : rows) EXPECT_EQ(human_size(bytes), text) << bytes;
}

TEST(Output, Durations) {
  const std::pair<double, const char*> rows[] = {
      {0, "0.0 s"},        {0.44, "0.4 s"},         {9.94, "9.9 s"},    {9.96, "10 s"},
      {99.4, "99 s"},      {100, "1 min"},          {3599, "59 min"},   {3600, "1 h 0 min"},
      {7500, "2 h 5 min"}, {86'399, "23 h 59 min"}, {90'000, "1 d 1 h"}};
  for (const auto& [seconds, text] : rows) {
    EXPECT_EQ(human_duration(std::chrono::duration<double>(seconds)), text) << seconds;
  }
}

TEST(Output, NamesCannotCommandTheTerminal) {
  EXPECT_EQ(printable("a\x1b[31mb\n\tc\x7f"), "a?[31mb??c?");
  EXPECT_EQ(printable("größe"), "größe");
}

TEST(Output, NoEscapeCodesWithoutATerminal) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe(ends), 0);
  EXPECT_FALSE(has_color(ends[1]));
  ::close(ends[0]);
  ::close(ends[1]);
  EXPECT_EQ(bold("x", false), "x");
  EXPECT_EQ(bold("x", true), "\x1b[1mx\x1b[0m");
}

TEST(Output, TerminalsAreColoredUnlessToldOtherwise) {
  const fs::UniqueFd terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal) GTEST_SKIP() << "no pseudo terminals: " << std::strerror(errno);
  ::setenv("TERM", "xterm", 1);
  ::unsetenv("NO_COLOR");
  EXPECT_TRUE(has_color(terminal.get()));
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(has_color(terminal.get()));
  ::unsetenv("NO_COLOR");
  ::setenv("TERM", "dumb", 1);
  EXPECT_FALSE(has_color(terminal.get()));
}

TEST(Output, RowsAreAligned) {
  EXPECT_EQ(aligned({{"a", "1"}, {"long", "2"}}), "  a     1\n  long  2\n");
  EXPECT_EQ(counted(1, "file"), "1 file");
  EXPECT_EQ(counted(0, "file"), "0 files");
}

TEST(Output, ErrorsAreOneLine) {
  testing::internal::CaptureStderr();
  complain(CommandError("what", "why", "do this").what());
  warn("two\nlines");
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "neffs: what: why (do this)\nneffs: warning: two?lines\n");
}

TEST(Pace, TellsTheRateAndTheTimeThatIsLeft) {
  constexpr std::uint64_t kMiB = 1U << 20;
  using Seconds = std::chrono::duration<double>;
  EXPECT_EQ(pace_text(0, 10 * kMiB, 100 * kMiB, Seconds(2)),
            "10 MiB of 100 MiB, 5.0 MiB/s, 18 s left");
  EXPECT_EQ(pace_text(50 * kMiB, 50 * kMiB, 100 * kMiB, Seconds(10)),
            "100 MiB of 100 MiB, 5.0 MiB/s");
  EXPECT_EQ(pace_text(0, kMiB, 100 * kMiB, Seconds(0.1)), "1.0 MiB of 100 MiB");
  EXPECT_EQ(pace_text(0, 0, 0, Seconds(10)), "0 B of 0 B");
}

}  // namespace
}  // namespace neffs::test
