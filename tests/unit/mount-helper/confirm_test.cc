// What counts as a yes, and that nothing else does.
#include "mount-helper/confirm.h"

#include <stdlib.h>
#include <termios.h>

#include <array>

#include "tests/unit/mount-helper/mount_helper_kit.h"

namespace neffs::test {
namespace {

using mount_helper::is_confirmed;

// A terminal, and the one who sits at it.
class Terminal {
 public:
  Terminal() : person_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    std::array<char, 64> name{};
    if (::grantpt(person_.get()) != 0 || ::unlockpt(person_.get()) != 0 ||
        ::ptsname_r(person_.get(), name.data(), name.size()) != 0)
      return;
    program_.reset(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  }
  bool is_there() const { return static_cast<bool>(program_); }
  int fd() const { return program_.get(); }
  void type(const std::string& text) const {
    EXPECT_EQ(::write(person_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

 private:
  const fs::UniqueFd person_;
  fs::UniqueFd program_;
};

TEST(Confirm, OnlyYesIsYes) {
  const Terminal terminal;
  if (!terminal.is_there()) GTEST_SKIP() << "no terminals here";
  const std::pair<const char*, bool> rows[] = {
      {"y\n", true},  {"Yes\n", true},        {" YES \n", true},  {"\n", false},
      {"n\n", false}, {"yesterday\n", false}, {"no, y\n", false}, {"\x04", false}};  // end of file
  for (const auto& [answer, is_yes] : rows) {
    terminal.type(answer);
    EXPECT_EQ(is_confirmed("remove everything?", terminal.fd(), terminal.fd()), is_yes) << answer;
  }
}

TEST(Confirm, WithoutATerminalNobodyIsAsked) {
  const Terminal terminal;
  const fs::UniqueFd nobody(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!terminal.is_there()) GTEST_SKIP() << "no terminals here";
  for (const auto& [in, out] :
       {std::pair(nobody.get(), terminal.fd()), std::pair(terminal.fd(), nobody.get())}) {
    const Refusal refusal =
        refusal_of([&, from = in, to = out] { is_confirmed("remove everything?", from, to); });
    EXPECT_EQ(refusal.text,
              "remove everything?: there is no terminal to answer on (--yes says yes)");
    EXPECT_EQ(refusal.exit_code, mount_helper::kWrongUsage);
  }
}

}  // namespace
}  // namespace neffs::test
