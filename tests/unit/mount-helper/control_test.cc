// The client's side of the control channel, without a daemon that answers: real ones are in
// tests/mount/control_test.cc.
#include "mount-helper/control.h"

#include <string>
#include <utility>
#include <vector>

#include "fs/control_request.h"
#include "tests/unit/mount-helper/mount_helper_kit.h"

namespace neffs::test {
namespace {

using mount_helper::ask;
using mount_helper::ask_or_throw;
using mount_helper::ControlAnswer;
using mount_helper::MountHealth;
using mount_helper::understand;
using testing::HasSubstr;

constexpr std::chrono::milliseconds kShort{100};

constexpr std::size_t kMostText = sizeof fs::ControlRequest{}.text;

TEST(Control, RequestsAreHandedOverWholeOrNotAtAll) {
  const auto request = fs::ControlRequest::of(R"({"request":"status"})");
  ASSERT_TRUE(request);
  EXPECT_EQ(std::string(request->text, request->size), R"({"request":"status"})");
  const auto longest = fs::ControlRequest::of(std::string(kMostText, 'x'));
  ASSERT_TRUE(longest);
  EXPECT_EQ(longest->size, kMostText);
  EXPECT_FALSE(fs::ControlRequest::of(std::string(kMostText + 1, 'x')));
}

TEST(Control, ATooLongRequestIsRefused) {
  const TemporaryDirectory directory;
  const std::string too_long(kMostText, 'x');
  EXPECT_THAT(
      refusal_of([&] { ask(directory.path(), mount_helper::explain_request(too_long)); }).text,
      HasSubstr("too long"));
}

TEST(Control, APathThatJsonCannotSayIsRefused) {
  const TemporaryDirectory directory;
  for (const auto& request :
       {mount_helper::explain_request("a\xff/b"), mount_helper::restore_request("a\xff/b")})
    EXPECT_EQ(refusal_of([&] { ask(directory.path(), request); }).text,
              "a\xff/b: the name is not UTF-8 text");
}

TEST(Control, SomethingElseIsNoDaemon) {
  const TemporaryDirectory directory;
  EXPECT_EQ(ask(directory.path(), mount_helper::status_request()).error, ENOENT);
  write_file(directory.path() / ".neffs-control", "{}");
  const ControlAnswer answer = ask(directory.path(), mount_helper::status_request());
  EXPECT_EQ(answer.health, MountHealth::kOther);
  EXPECT_EQ(answer.error, ENOTTY);
  EXPECT_THAT(refusal_of([&] { ask_or_throw(directory.path(), {}); }).text,
              HasSubstr("Inappropriate ioctl"));
}

TEST(Control, AnswersAreUnderstoodOrSaidToBeWrong) {
  const auto understood = [](const std::string& text) {
    return understand("/mnt", {MountHealth::kAnswers, 0, text});
  };
  const auto complaint = [&](const std::string& text) {
    return refusal_of([&] { understood(text); }).text;
  };
  EXPECT_EQ(understood(R"({"pid":7})")["pid"], 7);
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"error":"no such path"})", "/mnt: no such path"},
      {R"({"error":{"code":7}})", R"({"code":7})"},
      {"[]", "cannot be understood"},
      {"", "cannot be understood"},
      {R"({"pid":)", "cannot be understood"},
  };
  for (const auto& [text, said] : cases) EXPECT_THAT(complaint(text), HasSubstr(said)) << text;
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
