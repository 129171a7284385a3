// The client's side of the control channel. A plain file answers with what was written to it.
#include "mount-helper/control.h"

#include "tests/unit/mount-helper/mount_helper_kit.h"

namespace neffs::test {
namespace {

using mount_helper::ask;
using mount_helper::ask_or_throw;
using mount_helper::ControlAnswer;
using mount_helper::MountHealth;
using testing::HasSubstr;

constexpr std::chrono::milliseconds kShort{100};

TEST(Control, RequestIsWrittenAndTheAnswerReadToItsEnd) {
  const TemporaryDirectory directory;
  const std::string long_tail(200'000, ' ');
  write_file(directory.path() / ".neffs-control", long_tail);
  const ControlAnswer answer = ask(directory.path(), mount_helper::explain_request("a/\"b\""));
  EXPECT_EQ(answer.health, MountHealth::kAnswers);
  EXPECT_EQ(answer.text.size(), long_tail.size());
  EXPECT_THAT(answer.text, testing::StartsWith(R"({"path":"a/\"b\"","request":"explain"})"));
  const TemporaryDirectory other;
  write_file(other.path() / ".neffs-control", "");
  EXPECT_EQ(ask_or_throw(other.path(), mount_helper::status_request())["request"], "status");
}

TEST(Control, WithoutAControlFileSomethingElseAnswers) {
  const TemporaryDirectory directory;
  const ControlAnswer answer = ask(directory.path(), mount_helper::status_request());
  EXPECT_EQ(answer.health, MountHealth::kOther);
  EXPECT_EQ(answer.error, ENOENT);
  EXPECT_THAT(refusal_of([&] { ask_or_throw(directory.path(), {}); }).text,
              HasSubstr("No such file or directory"));
}

TEST(Control, ErrorsAndNonsenseOfTheDaemonAreSaid) {
  const TemporaryDirectory directory;
  write_file(directory.path() / ".neffs-control", "");
  EXPECT_THAT(refusal_of([&] {
                ask_or_throw(directory.path(), {{"error", "no such path"}});
              }).text,
              HasSubstr(": no such path"));
  EXPECT_THAT(refusal_of([&] { ask_or_throw(directory.path(), nlohmann::json::array()); }).text,
              HasSubstr("cannot be understood"));
}

class ControlOfMount : public MountingTest {};

TEST_F(ControlOfMount, SilentDaemonCostsTheLimitAndNoMore) {
  const fs::UniqueFd device = mount_silent(directory_.path());
  if (!device) GTEST_SKIP() << "no /dev/fuse: " << std::strerror(errno);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(ask(directory_.path(), mount_helper::status_request(), kShort).health,
            MountHealth::kSilent);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
  EXPECT_THAT(refusal_of([&] { ask_or_throw(directory_.path(), {}, kShort); }).text,
              HasSubstr("does not answer (neffs umount --lazy"));
}

TEST_F(ControlOfMount, DeadDaemonIsKnownAtOnce) {
  fs::UniqueFd device = mount_silent(directory_.path());
  if (!device) GTEST_SKIP() << "no /dev/fuse: " << std::strerror(errno);
  device.reset();
  EXPECT_EQ(ask(directory_.path(), mount_helper::status_request()).health, MountHealth::kDead);
  EXPECT_THAT(refusal_of([&] { ask_or_throw(directory_.path(), {}); }).text,
              HasSubstr("its daemon is gone (neffs mount"));
}

}  // namespace
}  // namespace neffs::test
