// Several hosts, each with a cache of its own, compile overlapping sets at once for one repo.
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "tests/publish/publishing.h"

namespace neffs::test {
namespace {

constexpr unsigned kCommon = 6;  // all hosts compile these, and the same bytes come out
constexpr unsigned kOwn = 3;
// … and this one, of which every host has bytes of its own.
constexpr unsigned kDifferent = 9999;

class TogetherTest : public PublishTest, public ::testing::WithParamInterface<unsigned> {
 protected:
  std::unique_ptr<Mount> mount_host(unsigned host) {
    auto setup = writing_setup({"settle=0"});
    setup.directory = "host" + std::to_string(host);
    return mount_as(setup);
  }
  static unsigned own(unsigned host, unsigned i) { return 1000 * (host + 1) + i; }
  static MadeModule different(unsigned host) {
    auto module = made_module(kDifferent);
    module.files["model.neff"] = made_module(own(host, 0)).files["model.neff"];
    return module;
  }
  static void compile_as(unsigned host, const Mount& mounted) {
    compile_into(mounted.root(), different(host));
    for (unsigned i = 0; i < kCommon; ++i) {
      compile_into(mounted.root(), made_module((i + host) % kCommon));
      if (i < kOwn) compile_into(mounted.root(), made_module(own(host, i)));
    }
  }
  void work_as(unsigned host, const Mount& mounted) const {
    compile_as(host, mounted);
    expect_flushed(mounted);
  }
  // Of one host alone, all of it.
  void expect_one_won(const History& past, unsigned hosts) const {
    const auto neff = repo_.find(repo_.head(), made_module(kDifferent).path + "/model.neff");
    ASSERT_TRUE(neff);
    const auto bytes = read_all(*repo_.content(*neff));
    unsigned winners = 0;
    for (unsigned host = 0; host < hosts; ++host) {
      if (different(host).files["model.neff"] != bytes) continue;
      ++winners;
      past.expect_once(different(host));
    }
    EXPECT_EQ(winners, 1U);
  }
};

TEST_P(TogetherTest, EverythingIsThereOnce) {
  const unsigned hosts = GetParam();
  std::vector<std::unique_ptr<Mount>> mounts;
  for (unsigned host = 0; host < hosts; ++host) mounts.push_back(mount_host(host));
  std::vector<std::future<void>> all;
  for (unsigned host = 0; host < hosts; ++host)
    all.push_back(in_background([this, host, &mounts] { work_as(host, *mounts[host]); }));
  for (auto& one : all) one.get();
  const auto past = history();
  for (unsigned i = 0; i < kCommon; ++i) past.expect_once(made_module(i));
  for (unsigned host = 0; host < hosts; ++host)
    for (unsigned i = 0; i < kOwn; ++i) past.expect_once(made_module(own(host, i)));
  expect_one_won(past, hosts);
  std::uint64_t superseded = 0;
  for (const auto& mounted : mounts)
    superseded += mounted->status().at("push").at("superseded").get<std::uint64_t>();
  EXPECT_EQ(superseded, hosts - 1);
  for (unsigned host = 0; host < hosts; ++host)
    EXPECT_EQ(files_in(mounts[host]->root(), different(host)), different(host).files);
}

INSTANTIATE_TEST_SUITE_P(Hosts, TogetherTest, ::testing::Values(2U, 8U),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace neffs::test
