// A mount namespace of a test's own, in which mounts by an ordinary user and by mount(8) are tried without
// a trace on the machine.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/mount/mount_test.h"

namespace neffs::test {

inline constexpr uid_t kNobody = 65534;

// In it /dev/fuse is open to everybody: not every machine has it so. Skips where that cannot be had.
class MountNamespaceTest : public MountTest {
 protected:
  void SetUp() override;
  void TearDown() override;

  // What the namespace is made by, after the device: shell commands, the scratch directory in $scratch.
  virtual std::string more_commands() const { return ""; }

  Ended inside(std::vector<std::string> words) const;
  Ended as_user(std::vector<std::string> words) const;
  bool is_mounted(const std::string& mountpoint) const;
  // The processes of this test but for the one that holds the namespace.
  std::vector<pid_t> daemons() const;

  // The program may lie where only root may go: a copy that everybody may run.
  const std::string program_ = (scratch_ / "neffs").string();

 private:
  std::unique_ptr<Child> namespace_;
};

}  // namespace neffs::test
