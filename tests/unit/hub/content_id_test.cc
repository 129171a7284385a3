#include "hub/content_id.h"

#include <gtest/gtest.h>
#include <algorithm>

#include "tests/unit/hub/hub_under_test.h"

namespace neffs::test {
namespace {

using hub::ContentId;
using hub::HashKind;

TEST(ContentId, KnownHashes) {
  // `printf hello | git hash-object --stdin` and `printf hello | sha256sum`.
  EXPECT_EQ(blob_id_of("hello").text(), "sha1:b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0");
  EXPECT_EQ(sha256_of("hello").text(),
            "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
  EXPECT_EQ(hub::empty_content_id().hex, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}

TEST(ContentId, HashDoesNotDependOnHowBytesArrive) {
  const std::string bytes = sample_bytes(1000);
  for (const std::size_t step : {1U, 7U, 999U}) {
    hub::ContentHasher hasher(HashKind::kGitBlobSha1, bytes.size());
    for (std::size_t begin = 0; begin < bytes.size(); begin += step) {
      hasher.update(std::as_bytes(
          std::span(bytes).subspan(begin).first(std::min(step, bytes.size() - begin))));
    }
    EXPECT_EQ(hasher.finish(), blob_id_of(bytes)) << step;
  }
}

TEST(ContentId, TextIsReadBackAndNothingElse) {
  const ContentId id = sha256_of("x");
  EXPECT_EQ(ContentId::parse(id.text()), id);
  const std::string digits(40, 'a');
  EXPECT_TRUE(ContentId::parse("sha1:" + digits));
  for (const std::string& text :
       {std::string(), digits, "sha1:" + digits + "a", "sha1:" + std::string(40, 'A'),
        "sha256:" + digits, "md5:" + digits, "sha1:" + std::string(40, 'g')}) {
    EXPECT_FALSE(ContentId::parse(text)) << text;
  }
}

}  // namespace
}  // namespace neffs::test
