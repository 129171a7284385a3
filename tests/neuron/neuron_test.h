// The same cache twice, as a plain directory and as a mount, used alike step by step: every step
// must say the same and end the same on both, and leave the same behind.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "tests/mount/mount_test.h"
#include "tests/neuron/tree.h"

namespace neffs::test {

// A command line; "{cache}" and "{work}" in it stand for the directories it is to use.
using Step = std::vector<std::string>;
Step neuron(const std::string& words);       // neuron_user.cc
Step optimum(const std::string& words);      // optimum.py
Step maintenance(const std::string& words);  // maintenance.py
Step shell(const std::string& words);        // anything else, split at blanks

class NeuronTest : public MountTest {
 protected:
  void TearDown() override {
    mount_.reset();  // it must be gone when what is left is looked for
    MountTest::TearDown();
  }

  // A repo that has nothing, and the sample repo, over which the tests mount.
  void open_on_empty_repo(const std::string& way);
  void open_on_sample_repo(const std::string& way);

  // Runs the step on both. `says` is found in what it says, so that two equal failures are none.
  void expect_alike(const Step& step, const std::string& says = "");
  // Everything below, seen through the mount, is what the plain directory has.
  void expect_same_tree(const std::string& below = "");
  // Unmounts: what is left in the mount's own directory is a cache like the other one.
  void close_and_compare();

  std::filesystem::path plain(const std::string& path = "") const {
    return scratch_ / "plain" / path;
  }
  std::filesystem::path mounted(const std::string& path = "") const {
    return scratch_ / "mnt" / path;
  }
  // The plain directory gets what is to be seen of the sample repo below this directory, owners and
  // modes as a mount shows them: so it is what the mount must look like.
  void give_plain(const std::string& directory = "");
  // The same for the compilers' folders alone, empty.
  void give_plain_folders();
  // Waits until a module that was used is in the layer, whole, and so in listings.
  void wait_until_placed(const std::string& module);
  // The mount goes and comes again.
  void mount_again();
  // Nothing but questions has reached the Hub,
  void expect_only_questions();
  // … and no file was fetched.
  void expect_no_downloads();
  // How often a file was fetched. A probe, which looks at the start of a NEFF without a mark, is not
  // a download.
  std::size_t downloads_of(const std::string& path);

  std::unique_ptr<Mount> mount_;
  Owners owners_ = Owners::kCompared;  // left out where several users race for who makes what

 private:
  void open(const std::string& source, const std::string& way);
  Ended run_on(const std::string& which, const Step& step);

  MountSetup setup_;
  std::string head_;  // of the repo, when it was mounted
};

}  // namespace neffs::test
