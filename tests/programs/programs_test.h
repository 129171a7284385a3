// Programs that know nothing of neffs, on a mount: the fixture of every test in this folder.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "tests/mount/mount_test.h"

namespace neffs::test {

// A mount of the sample repo, and a place beside it on the same disk to compare with.
class ProgramsTest : public MountTestBothWays {
 protected:
  // Mounts, once the test knows that it will not be skipped.
  void SetUp() override;
  void TearDown() override;

  // Runs bash with -eu and pipefail. $MOUNT is the mount, $BESIDE the place beside it, the current
  // directory. A script that fails, or does not end, fails the test. What it prints is returned.
  // (A command left of && may fail without ending a script: one command a line.)
  std::string shell(const std::string& script,
                    std::chrono::milliseconds limit = std::chrono::seconds(100));

  std::unique_ptr<Mount> mount_;
  TestRepo& repo_ = sample::create(hub_);
};

// Whether a program is on the PATH of the tests.
bool has_program(const std::string& name);

// Ends the test where the program is missing.
#define NEFFS_NEEDS(program) \
  if (!::neffs::test::has_program(program)) GTEST_SKIP() << (program) << " is not installed"

// Shell functions: make_tree DIRECTORY makes one of each kind of name that a backup has to keep
// (special files apart), same_trees A B fails with the differences, in whatever may differ.
extern const std::string kTreeFunctions;

}  // namespace neffs::test
