// The real client, wired to servers of a test.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "hub/curl_http_client.h"
#include "hub/hub_client.h"
#include "hub/hub_repo.h"

namespace neffs::test {

inline const std::string kToken = "hf_SecretSecretSecret";
inline const std::string kCommit(40, 'c');

hub::Environment environment_of(std::map<std::string, std::string> variables);

// The objects a daemon builds, for one endpoint.
class HubUnderTest {
 public:
  explicit HubUnderTest(const std::string& endpoint,
                        std::map<std::string, std::string> variables = {{"HF_TOKEN", kToken}},
                        hub::HubClient::Options options = {});

  hub::CurlHttpClient http;
  hub::Credentials credentials;
  hub::RateLedger rates;
  hub::HubClient client;
  hub::HubRepo repo;
};

// A file without a name to download into.
class TemporaryFile {
 public:
  TemporaryFile();
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  int fd() const { return ::fileno(file_); }
  std::string content() const;

 private:
  std::FILE* file_;
};

hub::ContentId sha256_of(std::string_view bytes);
hub::ContentId blob_id_of(std::string_view bytes);

// Bytes that are different everywhere, so that misplaced ones are noticed.
std::string sample_bytes(std::size_t size);

// Runs `action`, which must throw a HubError, and returns it; fails the test if the token or a
// signature is in its text.
template <typename Action>
hub::HubError error_of(Action action);

void check_error_text(const hub::HubError& error);
void fail_without_error();

template <typename Action>
hub::HubError error_of(Action action) {
  try {
    action();
  } catch (const hub::HubError& error) {
    check_error_text(error);
    return error;
  }
  fail_without_error();
  return {hub::HubErrorKind::kLocal, "nothing was thrown"};
}

}  // namespace neffs::test
