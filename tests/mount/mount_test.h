// Real mounts: the fixture of every test in this folder.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fs/unique_fd.h"
#include "tests/eventually.h"
#include "tests/hub/sample_repo.h"
#include "tests/hub/test_hub.h"
#include "tests/mount/child.h"
#include "tests/mount/files.h"
#include "tests/mount/scratch.h"

namespace neffs::test {

struct MountSetup {
  std::string source = sample::kRepo;
  std::vector<std::string> options{};
  std::string directory = "mnt";  // below the scratch directory; made if it is missing
  Variables variables{};          // beside those of the scratch directory and HF_ENDPOINT
};

// One life of a daemon, in the foreground as our child, over a directory which is its layer.
class Mount {
 public:
  // Throws std::runtime_error with what the program said if it does not come to a mount.
  Mount(const Scratch& scratch, const std::string& endpoint, const MountSetup& setup);
  // Ends it if it still runs; a test fails whose daemon does not end well.
  ~Mount();
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path operator/(const std::string& path) const { return root_ / path; }
  // The same path below the mount, by a descriptor that is older than the mount.
  std::filesystem::path layer(const std::string& path = "") const;
  nlohmann::json status() const;

  // Runs `work`, which uses the mount, and returns what it returns. If it is not done within the
  // limit the test fails, and the daemon is killed so that it ends.
  template <typename Work>
  auto within(std::chrono::milliseconds limit, Work work) {
    auto result = in_background(std::move(work));
    if (!is_there(result, limit)) {
      ADD_FAILURE() << "not done within " << limit.count() << " ms; the daemon said:\n"
                    << daemon_->err();
      kill();
    }
    return result.get();
  }

  Child& daemon() { return *daemon_; }
  // SIGTERM; the exit code, which is 0 when all is well.
  int terminate();
  // `neffs umount`; the same.
  int unmount();
  // kill -9.
  void kill();

 private:
  void expect_ended();

  const Scratch& scratch_;
  const std::filesystem::path root_;
  fs::UniqueFd below_;
  std::unique_ptr<Child> daemon_;
};

class MountTest : public ::testing::Test {
 protected:
  MountTest() { see_the_hub_started(); }
  // Skips where nothing can be mounted.
  void SetUp() override;
  // Whatever a test did: no sanitizer has complained, no process and no mount is left.
  void TearDown() override;

  std::unique_ptr<Mount> mount(std::vector<std::string> options = {}) {
    return mount_as({.options = std::move(options)});
  }
  std::unique_ptr<Mount> mount_as(const MountSetup& setup);
  // Runs `neffs` with these words, as a user would.
  Ended neffs(const std::vector<std::string>& words, const Variables& more = {}) const;
  // Runs something else with the same variables.
  Ended command(const std::vector<std::string>& words) const;
  std::unique_ptr<Child> start(const std::vector<std::string>& words) const;
  // Starts the program that uses a cache as libneuronxla does, see cache_user.cc.
  std::unique_ptr<Child> start_user(const std::vector<std::string>& words) const;
  Variables variables(const Variables& more = {}) const;
  void start_hub_again() {
    hub_.start();
    see_the_hub_started();
  }
  // Once the compiler's folders have been listed, a thousand modules that nobody has cost no request.
  void expect_misses_ask_nobody(const Mount& mounted);
  // What was asked of the Hub, a line each, for messages.
  std::string requests(const Match& match = {});

  Scratch scratch_;
  TestHub hub_;

 private:
  // The Hub's threads run before it has noted its own addresses. They take this lock before they
  // look at them, so taking it here shows them what was noted.
  void see_the_hub_started() { hub_.traffic().total(); }
};

// The same test in both ways of serving bytes.
class MountTestBothWays : public MountTest, public ::testing::WithParamInterface<const char*> {
 protected:
  std::string way() const { return std::string("passthrough=") + GetParam(); }
};

#define NEFFS_BOTH_WAYS(Suite)                                                   \
  INSTANTIATE_TEST_SUITE_P(Passthrough, Suite, ::testing::Values("auto", "off"), \
                           [](const auto& param) { return std::string(param.param); })

}  // namespace neffs::test
