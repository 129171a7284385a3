// Downloads by the real client from real (and really broken) servers on loopback.
#include <gtest/gtest.h>

#include "tests/unit/hub/storage_of_test.h"

namespace neffs::test {
namespace {

using hub::HubErrorKind;

constexpr std::size_t kMiB = 1024 * 1024;

TEST(Download, SmallFileCostsOneResolveAndOneTransfer) {
  StorageOfTest site(sample_bytes(300'000));
  site.expect_download();
  EXPECT_EQ(site.hub.seen().size(), 1U);
  EXPECT_EQ(site.storage.seen().size(), 1U);
  EXPECT_EQ(site.hub.seen()[0].method, "GET");
  EXPECT_EQ(site.hub.seen()[0].target, "/ada/m/resolve/" + kCommit + "/d/model.neff");
  EXPECT_EQ(site.hub.seen()[0].header("Accept-Encoding"), "identity");
}

TEST(Download, TokenGoesToTheHubOnly) {
  StorageOfTest site(sample_bytes(1000));
  site.expect_download();
  EXPECT_EQ(site.hub.seen()[0].header("Authorization"), "Bearer " + kToken);
  for (const auto& request : site.storage.seen()) EXPECT_EQ(request.header("Authorization"), "");
}

TEST(Download, LargeFileComesInRangesOfOneResolve) {
  StorageOfTest site(sample_bytes(20 * kMiB + 123));
  site.expect_download();
  EXPECT_EQ(site.hub.seen().size(), 1U);
  EXPECT_EQ(site.storage.seen().size(), 3U);
}

}  // namespace
}  // namespace neffs::test
