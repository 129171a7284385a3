#include "hub/url.h"

#include <gtest/gtest.h>

namespace neffs::test {
namespace {

using hub::Url;

TEST(Url, ParsesAndShows) {
  struct Row {
    const char* text;
    const char* shown;
    const char* redacted;
  };
  for (const Row& row : {
           Row{"https://Hf.co", "https://hf.co/", "https://hf.co/"},
           Row{"https://hf.co:443/a", "https://hf.co/a", "https://hf.co/a"},
           Row{"http://127.0.0.1:8080/a?b=c#d", "http://127.0.0.1:8080/a?b=c",
               "http://127.0.0.1:8080/a"},
           Row{"https://hf.co?x", "https://hf.co/?x", "https://hf.co/"},
           Row{"http://[::1]:99/a", "http://[::1]:99/a", "http://[::1]:99/a"},
           Row{"http://[::1]/a", "http://[::1]/a", "http://[::1]/a"},
       }) {
    const auto url = Url::parse(row.text);
    ASSERT_TRUE(url) << row.text;
    EXPECT_EQ(url->text(), row.shown);
    EXPECT_EQ(url->redacted(), row.redacted);
  }
}

TEST(Url, RefusesWhatIsNoAddressOfAServer) {
  for (const char* text : {"", "hf.co", "ftp://hf.co/", "https://", "https:///a", "https://a b/",
                           "https://user:pw@hf.co/", "http://h:0/", "http://h:70000/",
                           "http://h:x/", "https://hf.co/\r\nX: y", "file:///etc/passwd"}) {
    EXPECT_FALSE(Url::parse(text)) << text;
  }
}

TEST(Url, OriginIsSchemeHostAndPort) {
  const auto hub = *Url::parse("https://hf.co/a");
  EXPECT_TRUE(hub::same_origin(hub, *Url::parse("https://HF.co:443/b?c")));
  for (const char* other :
       {"http://hf.co/a", "https://hf.co:444/a", "https://evil.co/a", "https://hf.co.evil.co/a"}) {
    EXPECT_FALSE(hub::same_origin(hub, *Url::parse(other))) << other;
  }
}

TEST(Url, ResolvesReferences) {
  struct Row {
    const char* reference;
    const char* result;  // "" for refused
  };
  const auto base = *Url::parse("https://hf.co/ada/m/resolve?x=1");
  for (const Row& row : {
           Row{"/api/b?c=d", "https://hf.co/api/b?c=d"},
           Row{"other", "https://hf.co/ada/m/other"},
           Row{"../n/x", "https://hf.co/ada/n/x"},
           Row{"../../../../x", "https://hf.co/x"},
           Row{"./", "https://hf.co/ada/m/"},
           Row{"?page=2", "https://hf.co/ada/m/resolve?page=2"},
           Row{"//cdn.co/x", "https://cdn.co/x"},
           Row{"http://cdn.co/x?Signature=1", "http://cdn.co/x?Signature=1"},
           Row{"/a/b/", "https://hf.co/a/b/"},
           Row{"/a?next=http://x/y", "https://hf.co/a?next=http://x/y"},
           Row{"javascript:alert(1)", ""},
           Row{"file:///etc/passwd", ""},
           Row{"", ""},
           Row{"/a b", ""},
       }) {
    const auto url = hub::resolve(base, row.reference);
    EXPECT_EQ(url ? url->text() : "", row.result) << row.reference;
  }
}

TEST(Url, EncodesSegmentsAndPaths) {
  EXPECT_EQ(hub::encode_segment("refs/pr/1"), "refs%2Fpr%2F1");
  EXPECT_EQ(hub::encode_segment("a#b?c d+e%"), "a%23b%3Fc%20d%2Be%25");
  EXPECT_EQ(hub::encode_segment("v1.0_x-y~"), "v1.0_x-y~");
  EXPECT_EQ(hub::encode_segment("ä"), "%C3%A4");
  EXPECT_EQ(hub::encode_path("MODULE_1+2/a b"), "MODULE_1%2B2/a%20b");
}

TEST(Url, PublicAddressMeansTheEndpoint) {
  EXPECT_EQ(hub::at_endpoint("https://huggingface.co/a?b", "http://h:1"), "http://h:1/a?b");
  EXPECT_EQ(hub::at_endpoint("https://huggingface.co", "http://h:1"), "http://h:1");
  for (const char* other : {"https://huggingface.co.evil.co/a", "https://cdn.hf.co/a", "/a"}) {
    EXPECT_EQ(hub::at_endpoint(other, "http://h:1"), other);
  }
}

}  // namespace
}  // namespace neffs::test
