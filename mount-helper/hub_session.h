// How the program reaches the Hub, as its user's variables say.
#pragma once

#include <string>

#include "hub/credentials.h"
#include "hub/curl_http_client.h"
#include "hub/environment.h"
#include "hub/hub_client.h"
#include "mount-helper/invoker.h"

namespace neffs::mount_helper {

// Whose token counts: the process's own, or under sudo, where that has none, the one of who typed the
// command. token_file: an option, "" if none. Throws what find_token() throws.
hub::Environment environment_of(const Invoker& invoker, const std::string& token_file);

// HF_ENDPOINT, without a slash at the end.
std::string endpoint_of(const hub::Environment& environment);
// HF_HUB_OFFLINE, and its name in transformers.
bool is_offline(const hub::Environment& environment);
hub::CurlOptions curl_options(const hub::Environment& environment);

// What a command needs that asks the Hub by itself, without a daemon. Throws what Credentials and
// HubClient throw.
class HubSession {
 public:
  explicit HubSession(const hub::Environment& environment);
  const hub::HubClient& client() const { return client_; }

 private:
  hub::CurlHttpClient http_;
  hub::Credentials credentials_;
  hub::RateLedger rates_;
  hub::HubClient client_;
};

}  // namespace neffs::mount_helper
