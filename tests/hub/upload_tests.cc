// How large files reach the test Hub: the LFS batch, the storage, parts, verify.
#include "tests/hub/writing_test.h"

namespace neffs::test {
namespace {

class UploadTest : public WritingTest {
 protected:
  std::string sha_of(const std::string& bytes) const {
    return digest_hex(DigestKind::kSha256, bytes);
  }
  std::string href(const std::string& bytes) const {
    return offer(bytes)["actions"]["upload"]["href"];
  }
  bool is_stored(const std::string& bytes) const {
    return repo_.large_file(sha_of(bytes)).has_value();
  }
  // An offer of several parts.
  json offer_in_parts(const std::string& bytes, std::uint64_t part_size) {
    limit([&](WritingLimits& limits) {
      limits.parts_from = 100;
      limits.part_size = part_size;
    });
    return offer(bytes);
  }
};

TEST_F(UploadTest, WhatIsStoredIsNotAskedFor) {
  const json fresh = offer(binary_);
  EXPECT_EQ(fresh["oid"], sha_of(binary_));
  EXPECT_EQ(fresh["size"], binary_.size());
  EXPECT_FALSE(fresh["actions"]["upload"].contains("header"));
  EXPECT_TRUE(
      fresh["actions"]["upload"]["href"].get<std::string>().starts_with(hub_.cdn_endpoint()));
  upload(binary_);
  EXPECT_TRUE(is_stored(binary_));
  EXPECT_FALSE(offer(binary_).contains("actions"));
}

TEST_F(UploadTest, EveryRepoHasFilesOfItsOwn) {
  TestRepo& other = hub_.create_repo("team/other");
  other.commit({{"m.neff", binary_}});
  EXPECT_TRUE(other.large_file(sha_of(binary_)));
  EXPECT_TRUE(offer(binary_).contains("actions"));
  const Reply reply = commit({lfs_file("m.neff", binary_)});
  EXPECT_EQ(reply.status, 400);
}

TEST_F(UploadTest, ObjectsFailOneByOne) {
  upload(binary_);
  json wrong_size = object(binary_);
  wrong_size["size"] = 5;
  limit([](WritingLimits& limits) { limits.basic_file = 1000; });
  const Reply reply = batch({object("good"),
                             object(""),
                             wrong_size,
                             object(std::string(1001, 'a')),
                             {{"oid", "ABC"}, {"size", 3}},
                             {{"oid", sha_of("x")}, {"size", -1}},
                             "text"});
  ASSERT_EQ(reply.status, 200) << reply.body;
  const json objects = json::parse(reply.body)["objects"];
  ASSERT_EQ(objects.size(), 7U);
  EXPECT_TRUE(objects[0].contains("actions"));
  for (std::size_t i = 1; i < objects.size(); ++i) {
    EXPECT_EQ(objects[i]["error"]["code"], 422) << objects[i];
    EXPECT_FALSE(objects[i].contains("actions"));
  }
}

TEST_F(UploadTest, BatchesAreChecked) {
  const std::string url = hub_.endpoint() + "/team/cache.git/info/lfs/objects/batch";
  const json good = {{"operation", "upload"}, {"objects", {object("x")}}};
  const auto status = [&](const char* field, const json& value) {
    json bad = good;
    bad[field] = value;
    return lfs(url, bad).status;
  };
  EXPECT_EQ(lfs(url, good).status, 200);
  EXPECT_EQ(post(url, good).status, 415);
  EXPECT_EQ(
      ask(url, {.method = "POST",
                .token = "hf_w",
                .headers = {"Content-Type: application/vnd.git-lfs+json", "Accept: text/html"},
                .body = good.dump()})
          .status,
      406);
  EXPECT_EQ(status("operation", "download"), 422);
  EXPECT_EQ(status("hash_algo", "md5"), 409);
  EXPECT_EQ(status("objects", json::array()), 422);
  EXPECT_EQ(status("objects", "x"), 422);
  EXPECT_EQ(status("transfers", {"xet"}), 422);
  EXPECT_EQ(status("ref", {{"name", "no-such"}}), 404);
  EXPECT_EQ(status("ref", {{"name", "refs/heads/main"}}), 200);
  EXPECT_EQ(status("ref", "main"), 400);
  EXPECT_EQ(lfs(url, json::array()).status, 400);
  const std::vector<json> many(257, object("x"));
  EXPECT_EQ(batch(many).status, 413);
}

TEST_F(UploadTest, TheStorageIsStrict) {
  const std::string url = href(binary_);
  EXPECT_EQ(ask(url, {.method = "PUT", .token = "hf_w", .body = binary_}).status, 400);
  const Reply chunked =
      ask(url, {.method = "PUT", .headers = {"Transfer-Encoding: chunked"}, .body = binary_});
  EXPECT_EQ(chunked.status, 501);
  EXPECT_NE(chunked.body.find("<Code>NotImplemented</Code>"), std::string::npos);
  EXPECT_EQ(put(url, binary_.substr(1)).status, 403);
  EXPECT_EQ(put(url, "").status, 403);
  std::string changed = binary_;
  changed[500] ^= 1;
  EXPECT_EQ(put(url, changed).status, 400);
  std::string forged = url;
  forged.replace(forged.find("Expires=") + 8, 1, "9");
  EXPECT_EQ(put(forged, binary_).status, 403);
  EXPECT_EQ(ask(url).status, 403);  // signed for PUT
  EXPECT_FALSE(is_stored(binary_));
  EXPECT_EQ(put(url, binary_).status, 200);
  EXPECT_TRUE(is_stored(binary_));
  EXPECT_EQ(put(url, binary_).status, 200);  // again does no harm
}

TEST_F(UploadTest, UploadUrlsExpire) {
  const json offered = offer(binary_);
  EXPECT_EQ(offered["actions"]["upload"]["expires_in"], 900);
  hub_.advance_clock(std::chrono::seconds(901));
  EXPECT_EQ(put(offered["actions"]["upload"]["href"], binary_).status, 403);
  upload(binary_);
}

TEST_F(UploadTest, UrlsForReadingAreNotForWriting) {
  repo_.set_settings({});
  repo_.commit({{"m.neff", binary_}});
  const std::string url =
      ask(hub_.endpoint() + "/team/cache/resolve/main/m.neff").header("Location");
  EXPECT_EQ(put(url, binary_).status, 403);
}

TEST_F(UploadTest, LargeFilesComeInParts) {
  const json offered = offer_in_parts(binary_, 33'000);
  const json& header = offered["actions"]["upload"]["header"];
  EXPECT_EQ(header["chunk_size"], "33000");
  EXPECT_EQ(header.size(), 5U);  // and four parts
  const json parts = put_parts(offered, binary_);
  EXPECT_FALSE(is_stored(binary_));
  const Reply done = complete(offered, parts);
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_TRUE(is_stored(binary_));
  EXPECT_EQ(commit({lfs_file("m.neff", binary_)}).status, 200);
  EXPECT_EQ(bytes_at("m.neff"), binary_);
  EXPECT_EQ(complete(offered, parts).status, 404);  // it is over
}

TEST_F(UploadTest, PartsCanBeSentAgainAndInAnyOrder) {
  const json offered = offer_in_parts(binary_, 60'000);
  const json& header = offered["actions"]["upload"]["header"];
  EXPECT_EQ(put(header["00002"], std::string(40'000, 'x')).status, 200);
  EXPECT_EQ(put(header["00002"], binary_.substr(60'000)).status, 200);
  const json parts = put_parts(offered, binary_);
  EXPECT_EQ(complete(offered, parts).status, 200);
}

TEST_F(UploadTest, PartsAreChecked) {
  const json offered = offer_in_parts(binary_, 60'000);
  const json& header = offered["actions"]["upload"]["header"];
  EXPECT_EQ(put(header["00001"], binary_.substr(0, 59'999)).status, 403);
  EXPECT_EQ(put(header["00002"], binary_).status, 403);
  EXPECT_EQ(
      ask(header["00001"], {.method = "PUT", .token = "hf_w", .body = binary_.substr(0, 60'000)})
          .status,
      400);
  const json parts = put_parts(offered, binary_);
  EXPECT_EQ(complete(offered, json::array({parts[0]})).status, 400);
  EXPECT_EQ(complete(offered, json::array({parts[1], parts[0]})).status, 400);
  EXPECT_EQ(complete(offered, json::array({parts[0], parts[0]})).status, 400);
  json wrong = parts;
  wrong[1]["etag"] = "\"0\"";
  EXPECT_EQ(complete(offered, wrong).status, 400);
  EXPECT_EQ(complete(offered, "parts").status, 400);
  EXPECT_FALSE(is_stored(binary_));
  EXPECT_EQ(complete(offered, parts).status, 200);
}

TEST_F(UploadTest, WrongBytesInPartsAreFoundAtTheEnd) {
  std::string changed = binary_;
  changed[70'000] ^= 1;
  const json offered = offer_in_parts(binary_, 60'000);
  EXPECT_EQ(complete(offered, put_parts(offered, changed)).status, 400);
  EXPECT_FALSE(is_stored(binary_));
  EXPECT_FALSE(is_stored(changed));
  EXPECT_EQ(complete(offered, put_parts(offered, binary_)).status, 200);
}

TEST_F(UploadTest, CompletingTakesTheRightUrlAndObject) {
  const json offered = offer_in_parts(binary_, 60'000);
  const json parts = put_parts(offered, binary_);
  std::string url = offered["actions"]["upload"]["href"];
  EXPECT_TRUE(url.starts_with(hub_.endpoint() + "/api/complete_multipart?uploadId="));
  EXPECT_EQ(lfs(url, {{"oid", sha_of("x")}, {"parts", parts}}, "").status, 400);
  EXPECT_EQ(post(url, {{"oid", sha_of(binary_)}, {"parts", parts}}, "").status, 415);
  url.replace(url.find("uploadId=") + 9, 1, "x");
  EXPECT_EQ(lfs(url, {{"oid", sha_of(binary_)}, {"parts", parts}}, "").status, 403);
  EXPECT_FALSE(is_stored(binary_));
  hub_.advance_clock(std::chrono::hours(1));
  EXPECT_EQ(complete(offered, parts).status, 403);
}

TEST_F(UploadTest, PartsAreForClientsThatKnowThem) {
  limit([](WritingLimits& limits) { limits.parts_from = 100; });
  const json known = json::parse(batch({object(binary_), object("small")}).body);
  EXPECT_EQ(known["transfer"], "multipart");
  EXPECT_TRUE(known["objects"][0]["actions"]["upload"].contains("header"));
  EXPECT_FALSE(known["objects"][1]["actions"]["upload"].contains("header"));
  const json unknown = json::parse(batch({object(binary_)}, {"basic"}).body);
  EXPECT_EQ(unknown["transfer"], "basic");
  EXPECT_FALSE(unknown["objects"][0]["actions"]["upload"].contains("header"));
}

TEST_F(UploadTest, VerifyLooksAtWhatIsThere) {
  const std::string url = offer(binary_)["actions"]["verify"]["href"];
  EXPECT_EQ(post(url, object(binary_)).status, 404);
  upload(binary_);
  EXPECT_EQ(post(url, object(binary_)).status, 200);
  json wrong = object(binary_);
  wrong["size"] = 1;
  EXPECT_EQ(post(url, wrong).status, 422);
  EXPECT_EQ(post(url, json::object()).status, 422);
  Behaviour behaviour = hub_.behaviour();
  behaviour.offers_verify = false;
  hub_.set_behaviour(behaviour);
  EXPECT_FALSE(offer("other")["actions"].contains("verify"));
}

TEST_F(UploadTest, UploadsOutliveTheHub) {
  const std::filesystem::path root =
      std::filesystem::path(::testing::TempDir()) / ("neffs-uploads-" + std::to_string(::getpid()));
  TestHubOptions options;
  options.root = root;
  const LfsPointer pointer{sha_of(binary_), binary_.size()};
  {
    TestHub hub(options);
    TestRepo& repo = hub.create_repo("a/b");
    repo.add_large_file(hub.repos().lfs().put(text_content(binary_)));
  }
  {
    TestHub hub(options);
    EXPECT_EQ(hub.repo("a/b").large_file(pointer.oid), pointer);
    EXPECT_EQ(read_all(*hub.repos().lfs().get(pointer.oid)), binary_);
  }
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace neffs::test
