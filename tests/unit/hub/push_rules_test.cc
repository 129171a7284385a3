// What a writer says to the Hub and what it makes of the answers: pure functions.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "hub/base64.h"
#include "hub/commit_body.h"
#include "hub/file_body.h"
#include "hub/preupload.h"
#include "hub/push_answers.h"
#include "tests/unit/hub/hub_under_test.h"

namespace neffs::test {
namespace {

using hub::HubErrorKind;
using nlohmann::json;

const std::string kBlob(40, 'b');
const std::string kSha(64, 'a');

TEST(Base64, FollowsTheStandard) {
  struct Row {
    std::string_view bytes;
    const char* text;
  };
  for (const Row& row :
       {Row{"", ""}, Row{"f", "Zg=="}, Row{"fo", "Zm8="}, Row{"foo", "Zm9v"},
        Row{"foob", "Zm9vYg=="}, Row{"fooba", "Zm9vYmE="}, Row{"foobar", "Zm9vYmFy"},
        Row{{"\0\xFF\xFE", 3}, "AP/+"}, Row{{"\xFB\xEF\xBE", 3}, "++++"}}) {
    EXPECT_EQ(hub::base64(row.bytes), row.text);
    EXPECT_EQ(hub::base64_size(row.bytes.size()), std::string_view(row.text).size());
  }
}

constexpr auto kBlobKind = hub::HashKind::kGitBlobSha1;
constexpr auto kSha256Kind = hub::HashKind::kSha256;

TEST(HashFile, NamesAFileBothWays) {
  const TemporaryFile file;
  const std::string bytes = sample_bytes(3'000'001);
  ASSERT_EQ(::pwrite(file.fd(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  EXPECT_EQ(hub::hash_file(file.fd(), bytes.size(), kBlobKind, {}), blob_id_of(bytes));
  EXPECT_EQ(hub::hash_file(file.fd(), bytes.size(), kSha256Kind, {}), sha256_of(bytes));
  EXPECT_TRUE(hub::holds_content(file.fd(), bytes.size(), sha256_of(bytes), {}));
  EXPECT_FALSE(hub::holds_content(file.fd(), bytes.size() - 1, sha256_of(bytes), {}));
  EXPECT_EQ(hub::hash_file(file.fd(), 0, kBlobKind, {}), hub::empty_content_id());
}

TEST(SealFile, KnowsTheBytesAgainAndNoOthers) {
  const TemporaryFile file;
  std::string bytes = sample_bytes(600'001);
  const auto write = [&] {
    ASSERT_EQ(::pwrite(file.fd(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
  };
  write();
  const auto [content, seal] = hub::seal_file(file.fd(), bytes.size(), kSha256Kind, {});
  EXPECT_EQ(content, sha256_of(bytes));
  EXPECT_TRUE(hub::holds_content(file.fd(), bytes.size(), content, {}, seal));
  EXPECT_FALSE(hub::holds_content(file.fd(), bytes.size() - 1, content, {}, seal));
  EXPECT_NE(hub::seal_file(file.fd(), bytes.size(), kSha256Kind, {}).seal.key, seal.key);
  for (const std::size_t place : {std::size_t{0}, bytes.size() / 2, bytes.size() - 1}) {
    bytes[place] ^= 1;
    write();
    EXPECT_FALSE(hub::holds_content(file.fd(), bytes.size(), content, {}, seal)) << place;
    bytes[place] ^= 1;
  }
  write();
  EXPECT_TRUE(hub::holds_content(file.fd(), bytes.size(), content, {}, seal));
}

TEST(SealFile, DoesNotDependOnHowBytesArrive) {
  const std::string bytes = sample_bytes(1000);
  hub::Sealer first;
  first.update(std::as_bytes(std::span(bytes)));
  const auto seal = first.finish();
  for (const std::size_t step : {1U, 7U, 999U}) {
    hub::Sealer again(seal);
    for (std::size_t begin = 0; begin < bytes.size(); begin += step)
      again.update(std::as_bytes(
          std::span(bytes).subspan(begin).first(std::min(step, bytes.size() - begin))));
    EXPECT_EQ(again.finish(), seal) << step;
  }
}

TEST(HashFile, FailsWithTheFileAndStopsWhenAsked) {
  const TemporaryFile file;
  EXPECT_EQ(error_of([&] { hub::hash_file(file.fd(), 1, kBlobKind, {}); }).kind,
            HubErrorKind::kLocal);
  const auto closed = error_of([] { hub::hash_file(-1, 1, kBlobKind, {}); });
  EXPECT_EQ(closed.local_errno, EBADF);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(error_of([&] { hub::hash_file(file.fd(), 1, kBlobKind, stop.get_token()); }).kind,
            HubErrorKind::kCancelled);
}

hub::CommitRequest sample_commit() {
  hub::CommitRequest request;
  request.parent = kCommit;
  request.summary = "Add \"two\" modules";
  request.description = "line\nline é";
  request.regular_files = {{"a/ü \\ \"q\".json", sample_bytes(500'000)}, {"a/empty", ""}};
  request.lfs_files = {{"a/model.neff", {{hub::HashKind::kSha256, kSha}, 5'000'000'000}}};
  request.deleted_files = {"a/model.log"};
  return request;
}

std::string read_whole(hub::BodySource& body, std::size_t step) {
  std::string text;
  while (text.size() < body.size()) {
    const auto piece = body.read(std::min<std::size_t>(step, body.size() - text.size()));
    EXPECT_FALSE(piece.empty());
    if (piece.empty()) break;
    text += piece;
  }
  return text;
}

TEST(CommitBody, IsOneObjectALine) {
  const auto request = sample_commit();
  hub::CommitBody body(request);
  const std::string text = read_whole(body, 1UL << 20U);
  ASSERT_EQ(text.size(), body.size());
  ASSERT_TRUE(text.ends_with('\n'));
  std::vector<json> lines;
  for (std::size_t begin = 0; begin < text.size(); begin = text.find('\n', begin) + 1) {
    lines.push_back(json::parse(text.substr(begin, text.find('\n', begin) - begin)));
  }
  const std::vector<json> expected = {
      {{"key", "header"},
       {"value",
        {{"summary", request.summary},
         {"description", request.description},
         {"parentCommit", kCommit}}}},
      {{"key", "file"},
       {"value",
        {{"path", request.regular_files[0].path},
         {"encoding", "base64"},
         {"content", hub::base64(request.regular_files[0].bytes)}}}},
      {{"key", "file"}, {"value", {{"path", "a/empty"}, {"encoding", "base64"}, {"content", ""}}}},
      {{"key", "lfsFile"},
       {"value",
        {{"path", "a/model.neff"}, {"algo", "sha256"}, {"oid", kSha}, {"size", 5'000'000'000}}}},
      {{"key", "deletedFile"}, {"value", {{"path", "a/model.log"}}}},
  };
  EXPECT_EQ(lines, expected);
}

TEST(CommitBody, IsTheSameHoweverItIsRead) {
  const auto request = sample_commit();
  hub::CommitBody at_once(request);
  hub::CommitBody in_steps(request);
  EXPECT_TRUE(read_whole(at_once, 1UL << 30U) == read_whole(in_steps, 1'000));
}

TEST(CommitBody, RefusesWhatJsonCannotSay) {
  hub::CommitRequest request = sample_commit();
  request.deleted_files = {"a/\xFF"};
  EXPECT_EQ(error_of([&] { const hub::CommitBody body(request); }).kind, HubErrorKind::kRefused);
}

std::vector<hub::PushFile> two_files() {
  return {{"a/w.neff", 1'000, "\x01\x02"}, {"b.json", 2, "{}"}};
}

TEST(Preupload, AsksWithPathSizeAndSample) {
  EXPECT_EQ(json::parse(hub::preupload_question(two_files())),
            json::parse(R"({"files":[{"path":"a/w.neff","size":1000,"sample":"AQI="},
                                     {"path":"b.json","size":2,"sample":"e30="}]})"));
  const std::vector<hub::PushFile> bad = {{"\xFF", 0, ""}};
  EXPECT_EQ(error_of([&] { hub::preupload_question(bad); }).kind, HubErrorKind::kRefused);
}

TEST(Preupload, ReadsTheAnswerInTheOrderOfTheQuestion) {
  const auto files = two_files();
  const auto plan = hub::parse_preupload(
      R"({"files":[{"path":"b.json","uploadMode":"regular","shouldIgnore":false,"oid":")" + kBlob +
          R"("},{"path":"a/w.neff","uploadMode":"lfs","oid":")" + kSha + R"("}],"commitOid":")" +
          kCommit + "\"}",
      files);
  ASSERT_EQ(plan.files.size(), 2U);
  EXPECT_EQ(plan.files[0].storage, hub::StorageKind::kLfs);
  EXPECT_EQ(plan.files[0].current->text(), "sha256:" + kSha);
  EXPECT_EQ(plan.files[1].storage, hub::StorageKind::kRegular);
  EXPECT_EQ(plan.files[1].current->text(), "sha1:" + kBlob);
  EXPECT_EQ(plan.head, kCommit);
}

TEST(Preupload, IgnoredNewAndEmptyFiles) {
  const std::vector<hub::PushFile> files = {{"i", 1, "x"}, {"n", 1, "x"}, {"e", 0, ""}};
  const auto plan = hub::parse_preupload(
      R"({"files":[{"path":"i","uploadMode":"lfs","shouldIgnore":true},
                   {"path":"n","uploadMode":"lfs","shouldIgnore":false,"oid":null},
                   {"path":"e","uploadMode":"lfs","shouldIgnore":false}]})",
      files);
  EXPECT_EQ(plan.files[0].storage, hub::StorageKind::kIgnored);
  EXPECT_EQ(plan.files[1].storage, hub::StorageKind::kLfs);
  EXPECT_FALSE(plan.files[1].current);
  EXPECT_EQ(plan.files[2].storage, hub::StorageKind::kRegular) << "no empty objects";
  EXPECT_FALSE(plan.head);
}

TEST(Preupload, RefusesWhatAHubWouldNotSay) {
  const std::vector<hub::PushFile> file = {{"a", 1, "x"}};
  const std::string entry = R"({"path":"a","uploadMode":"regular")";
  for (const std::string& body : {
           std::string("<html>"),
           std::string("[]"),
           std::string(R"({"files":{}})"),
           std::string(R"({"files":[]})"),
           std::string(R"({"files":[1]})"),
           std::string(R"({"files":[{"path":"a"}]})"),
           std::string(R"({"files":[{"path":"a","uploadMode":"xet"}]})"),
           R"({"files":[)" + entry + R"(,"oid":"short"}]})",
           R"({"files":[)" + entry + R"(,"oid":7}]})",
           R"({"files":[)" + entry + R"(}],"commitOid":"main"})",
       }) {
    EXPECT_EQ(error_of([&] { hub::parse_preupload(body, file); }).kind,
              HubErrorKind::kInvalidAnswer)
        << body;
  }
}

TEST(PushAnswers, ABranchIsNoTag) {
  const std::string refs =
      R"({"branches":[{"name":"main","ref":"refs/heads/main","targetCommit":")" + kCommit +
      R"("}],"tags":[{"name":"v1","targetCommit":"x"}]})";
  EXPECT_EQ(hub::parse_branch_head(refs, "main"), kCommit);
  EXPECT_EQ(hub::parse_branch_head(refs, "v1"), std::nullopt);
  EXPECT_EQ(hub::parse_branch_head(refs, kCommit), std::nullopt);
  for (const char* bad : {"", "{}", R"({"branches":[{"name":"main","targetCommit":"x"}]})"}) {
    EXPECT_EQ(error_of([&] { hub::parse_branch_head(bad, "main"); }).kind,
              HubErrorKind::kInvalidAnswer);
  }
}

TEST(PushAnswers, ReadsCommits) {
  EXPECT_EQ(hub::parse_new_commit(R"({"success":true,"commitOid":")" + kCommit + "\"}"), kCommit);
  EXPECT_EQ(error_of([&] { hub::parse_new_commit(R"({"success":true})"); }).kind,
            HubErrorKind::kInvalidAnswer);
  const auto commits =
      hub::parse_past_commits(R"([{"id":")" + kCommit +
                              R"(","title":"t","authors":[],"date":"2026-08-01T10:00:05.000Z"}])");
  ASSERT_EQ(commits.size(), 1U);
  using namespace std::chrono;
  EXPECT_EQ(commits[0].date, sys_days(year(2026) / 8 / 1) + hours(10) + seconds(5));
  for (const char* bad : {"{}", "[1]", R"([{"id":"x"}])"}) {
    EXPECT_EQ(error_of([&] { hub::parse_past_commits(bad); }).kind, HubErrorKind::kInvalidAnswer);
  }
}

}  // namespace
}  // namespace neffs::test
