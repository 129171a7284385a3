#include "tests/unit/hub/hub_under_test.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <span>
#include <stdexcept>

namespace neffs::test {
namespace {

hub::CurlOptions curl_options() {
  hub::CurlOptions options;
  options.user_agent = "neffs/test";
  return options;
}

hub::HubClient::Options at(const std::string& endpoint, hub::HubClient::Options options) {
  options.endpoint = endpoint;
  return options;
}

hub::ContentId id_of(hub::HashKind kind, std::string_view bytes) {
  hub::ContentHasher hasher(kind, bytes.size());
  hasher.update(std::as_bytes(std::span(bytes)));
  return hasher.finish();
}

}  // namespace

hub::Environment environment_of(std::map<std::string, std::string> variables) {
  return hub::Environment(
      [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        if (found == variables.end()) return std::nullopt;
        return found->second;
      });
}

HubUnderTest::HubUnderTest(const std::string& endpoint,
                           std::map<std::string, std::string> variables,
                           hub::HubClient::Options options)
    : http(curl_options()),
      credentials("", environment_of(std::move(variables))),
      client(http, credentials, rates, at(endpoint, std::move(options))),
      repo(client, "ada/m", "main") {}

TemporaryFile::TemporaryFile() : file_(std::tmpfile()) {
  if (file_ == nullptr) throw std::runtime_error("no temporary file");
}

TemporaryFile::~TemporaryFile() {
  static_cast<void>(std::fclose(file_));
}

std::string TemporaryFile::content() const {
  struct stat status {};
  ::fstat(fd(), &status);
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  const ssize_t length = ::pread(fd(), bytes.data(), bytes.size(), 0);
  bytes.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
  return bytes;
}

hub::ContentId sha256_of(std::string_view bytes) {
  return id_of(hub::HashKind::kSha256, bytes);
}
hub::ContentId blob_id_of(std::string_view bytes) {
  return id_of(hub::HashKind::kGitBlobSha1, bytes);
}

std::string sample_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 12345;
  for (char& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24U);
  }
  return bytes;
}

void check_error_text(const hub::HubError& error) {
  const std::string text = error.what();
  EXPECT_EQ(text.find(kToken), std::string::npos) << text;
  EXPECT_EQ(text.find("Signature"), std::string::npos) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  EXPECT_FALSE(text.empty());
}

void fail_without_error() {
  ADD_FAILURE() << "no HubError was thrown";
}

}  // namespace neffs::test
