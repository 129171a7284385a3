// The LFS batch API: what is asked, and how strictly the answer is read.
#include "hub/lfs_batch.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/hub/hub_under_test.h"

namespace neffs::test {
namespace {

using hub::HubErrorKind;
using nlohmann::json;

const std::string kSha(64, 'a');

class LfsBatchTest : public ::testing::Test {
 protected:
  std::vector<hub::BatchEntry> parse(const std::string& entry, std::uint64_t size = 25) const {
    const std::vector<hub::LfsObject> objects = {{{hub::HashKind::kSha256, kSha}, size}};
    return hub::parse_batch(
        R"({"transfer":"basic","objects":[{"oid":")" + kSha + "\"" + entry + "}]}", objects, base_,
        endpoint_);
  }
  std::vector<hub::BatchEntry> parse_header(const std::string& header) const {
    return parse(R"(,"actions":{"upload":{"href":"https://h/done","header":)" + header + "}}");
  }

  const std::string endpoint_ = "https://mirror:8443";
  const hub::Url base_ = *hub::Url::parse(endpoint_ + "/ada/m.git/info/lfs/objects/batch");
};

TEST_F(LfsBatchTest, AsksForBothPlainWaysAndForNoOther) {
  const std::vector<hub::LfsObject> objects = {{{hub::HashKind::kSha256, kSha}, 25}};
  EXPECT_EQ(json::parse(hub::batch_question(objects, "dev")),
            json::parse(R"({"operation":"upload","transfers":["basic","multipart"],
                            "hash_algo":"sha256","ref":{"name":"dev"},
                            "objects":[{"oid":")" +
                        kSha + R"(","size":25}]})"));
}

TEST_F(LfsBatchTest, NoActionsMeansStored) {
  for (const char* entry : {"", R"(,"actions":{})", R"(,"size":25,"authenticated":true)"}) {
    const auto entries = parse(entry);
    ASSERT_EQ(entries.size(), 1U);
    EXPECT_FALSE(entries[0].route) << entry;
    EXPECT_FALSE(entries[0].refusal) << entry;
  }
}

TEST_F(LfsBatchTest, ReadsAPlainUpload) {
  const auto route = parse(R"(,"actions":{"upload":{"href":"https://s3/x?Signature=y"},)"
                           R"("verify":{"href":"https://huggingface.co/v","header":{}}})")[0]
                         .route;
  ASSERT_TRUE(route);
  EXPECT_EQ(route->href.text(), "https://s3/x?Signature=y");
  EXPECT_EQ(route->chunk_size, 0U);
  EXPECT_EQ(route->verify->text(), endpoint_ + "/v") << "the Hub's own address means the endpoint";
}

TEST_F(LfsBatchTest, PartsAreSortedByNumber) {
  const auto route = parse_header(R"({"chunk_size":"10","00010":"https://h/10","9":"https://h/9",)"
                                  R"("2":"https://h/2","x-other":"1"})")[0]
                         .route;
  ASSERT_TRUE(route);
  EXPECT_EQ(route->chunk_size, 10U);
  ASSERT_EQ(route->parts.size(), 3U);
  EXPECT_EQ(route->parts[0].path, "/2");
  EXPECT_EQ(route->parts[1].path, "/9");
  EXPECT_EQ(route->parts[2].path, "/10");
}

TEST_F(LfsBatchTest, OneObjectsErrorIsItsOwn) {
  struct Row {
    const char* error;
    HubErrorKind kind;
  };
  for (const Row& row : {
           Row{R"({"code":422,"message":"too large"})", HubErrorKind::kRefused},
           Row{R"({"code":404})", HubErrorKind::kRefused},
           Row{R"({"code":429,"message":"m"})", HubErrorKind::kUnavailable},
           Row{R"({"code":503,"message":"m"})", HubErrorKind::kUnavailable},
       }) {
    const auto refusal = parse(R"(,"error":)" + std::string(row.error))[0].refusal;
    ASSERT_TRUE(refusal) << row.error;
    EXPECT_EQ(refusal->kind, row.kind) << row.error;
    EXPECT_NE(refusal->http_status, 0) << "it would concern all others";
  }
}

TEST_F(LfsBatchTest, RefusesWhatAHubWouldNotSay) {
  for (const char* entry : {
           R"(,"actions":{"upload":{}})",
           R"(,"actions":{"upload":"https://h/"})",
           R"(,"actions":{"upload":{"href":"ftp://h/"}})",
           R"(,"actions":{"upload":{"href":"http://h/in-the-clear"}})",
           R"(,"actions":{"upload":{"href":"https://h/"},"verify":{}})",
           R"(,"error":"no code")",
       }) {
    EXPECT_EQ(error_of([&] { parse(entry); }).kind, HubErrorKind::kInvalidAnswer) << entry;
  }
  for (const char* header : {
           R"({"chunk_size":"0","1":"https://h/1"})",
           R"({"chunk_size":"ten","1":"https://h/1"})",
           R"({"chunk_size":"10","1":"https://h/1","2":"https://h/2"})",
           R"({"chunk_size":"10"})",
           R"({"chunk_size":"10","1":"https://h/1","2":"https://h/2","3":4})",
       }) {
    EXPECT_EQ(error_of([&] { parse_header(header); }).kind, HubErrorKind::kInvalidAnswer) << header;
  }
  const std::vector<hub::LfsObject> objects = {{{hub::HashKind::kSha256, kSha}, 25}};
  for (const char* body : {"", "{}", R"({"objects":[]})", R"({"transfer":"xet","objects":[]})"}) {
    EXPECT_EQ(error_of([&] { hub::parse_batch(body, objects, base_, endpoint_); }).kind,
              HubErrorKind::kInvalidAnswer)
        << body;
  }
}

TEST_F(LfsBatchTest, TellsTheEtagsAsTheyCame) {
  const hub::LfsObject object{{hub::HashKind::kSha256, kSha}, 25};
  const std::vector<std::string> etags = {"\"ab\"", "W/\"c\""};
  EXPECT_EQ(json::parse(hub::completion_body(object, etags)),
            json::parse(R"({"oid":")" + kSha +
                        R"(","parts":[{"partNumber":1,"etag":"\"ab\""},
                                      {"partNumber":2,"etag":"W/\"c\""}]})"));
}

}  // namespace
}  // namespace neffs::test
