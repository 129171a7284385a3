// Fifty hosts behind one address: what each of them asks of the Hub, all told.
#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <iostream>
#include <string>

#include "tests/mount/mount_test.h"

namespace neffs::test {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr std::size_t kHosts = 50;
// A minute of a mount, in a second: both options are what they are by default, divided by sixty.
const std::vector<std::string> kQuick = {"poll=1", "miss_check=0.25"};
constexpr double kJitter = 0.8;  // the shortest time between two polls
constexpr double kBudgetIdle = 1;
constexpr double kBudgetMissing = 4;

class FleetTest : public MountTest {
 protected:
  FleetTest() { sample::create(hub_); }

  // The hosts have seen the repo before.
  void make_known(const std::string& repo, const std::string& token) {
    token_ = token;
    repo_ = repo;
    {
      const auto first = mount_host("first");
      EXPECT_EQ(stat_error(*first / (sample::kTrainingModule + "/model.done")), 0);
    }
    for (std::size_t host = 0; host < kHosts; ++host)
      EXPECT_EQ(
          command({"cp", "-a", (scratch_ / "first").string(), (scratch_ / name_of(host)).string()})
              .exit_code,
          0);
    hub_.traffic().reset();
  }
  static std::string name_of(std::size_t host) { return fmt::format("host{}", host); }
  std::unique_ptr<Mount> mount_host(const std::string& name) {
    MountSetup setup{.source = repo_, .options = kQuick, .directory = name};
    if (!token_.empty()) setup.variables["HF_TOKEN"] = token_;
    return mount_as(setup);
  }
  // Until each host has asked so many times; returns how long that took.
  template <typename Work>
  Seconds until_each_has_asked(std::size_t times, const Work& work) {
    hub_.traffic().reset();
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_TRUE(eventually(
        [&] {
          work();
          return hub_.traffic().total() >= kHosts * times;
        },
        std::chrono::seconds(60)));
    return std::chrono::steady_clock::now() - begun;
  }
  // No more than the budget of so many simulated minutes, and all of it in the larger bucket.
  void expect_within(double a_minute, Seconds took, const char* what) {
    const auto asked = hub_.traffic().total();
    EXPECT_EQ(hub_.traffic().count(Kind::kResolveHead) + hub_.traffic().count(Kind::kResolveCache),
              asked)
        << requests();
    // The first question may be due at once, and the last one come right before the end.
    EXPECT_LE(static_cast<double>(hub_.traffic().count(Kind::kResolveHead)),
              static_cast<double>(kHosts) * (a_minute * took.count() / kJitter + 2));
    std::cout << fmt::format(
        "{}: {:.2f} questions for the head a host and minute\n", what,
        static_cast<double>(asked) / static_cast<double>(kHosts) / took.count());
  }

  std::string repo_ = sample::kRepo;
  std::string token_;
};

TEST_F(FleetTest, AKnownPublicRepoCostsOneRequestAtStartAndItsHeadAfterwards) {
  make_known(sample::kRepo, "");
  std::vector<std::unique_ptr<Mount>> hosts;
  for (std::size_t host = 0; host < kHosts; ++host) hosts.push_back(mount_host(name_of(host)));
  EXPECT_EQ(hub_.traffic().count({.host = Host::kHub}) - hub_.traffic().count(Kind::kResolveHead),
            0U)
      << requests();
  const auto idle = until_each_has_asked(5, [] {});
  expect_within(kBudgetIdle, idle, "idle");
  int module = 0;
  const auto missing = until_each_has_asked(12, [&] {
    const std::string name = fmt::format("{}/MODULE_{}+e30acd3a", sample::kVersion, ++module);
    for (const auto& host : hosts) EXPECT_EQ(stat_error(*host / name), ENOENT);
  });
  expect_within(kBudgetMissing, missing, "missing");
}

TEST_F(FleetTest, AKnownPrivateRepoCostsThreeRequestsAtStart) {
  const std::string repo = "team/cache";
  hub_.create_repo(repo, {.is_private = true}).commit(sample::files());
  hub_.add_token("hf_writer", {.user = "ada", .roles = {{repo, Role::kWrite}}});
  make_known(repo, "hf_writer");
  for (std::size_t host = 0; host < kHosts; ++host) {
    hub_.traffic().reset();
    const auto mounted = mount_host(name_of(host));
    // Its head may have been asked for again by now.
    EXPECT_LE(hub_.traffic().total() - hub_.traffic().count(Kind::kResolveHead), 2U) << requests();
    EXPECT_EQ(mounted->status()["sources"][0]["push"], true);
  }
}

}  // namespace
}  // namespace neffs::test
