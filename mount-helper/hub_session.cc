#include "mount-helper/hub_session.h"

#include "mount-helper/version.h"

namespace neffs::mount_helper {

hub::Environment environment_of(const Invoker& invoker, const std::string& token_file) {
  if (!invoker.behind_sudo) return invoker.own;
  const bool has_own = !hub::find_token(token_file, invoker.own).token.empty();
  return has_own ? invoker.own : *invoker.behind_sudo;
}

std::string endpoint_of(const hub::Environment& environment) {
  auto endpoint = environment.get("HF_ENDPOINT").value_or(hub::kDefaultEndpoint);
  while (endpoint.ends_with('/')) endpoint.pop_back();
  return endpoint;
}

bool is_offline(const hub::Environment& environment) {
  return environment.is_true("HF_HUB_OFFLINE") || environment.is_true("TRANSFORMERS_OFFLINE");
}

hub::CurlOptions curl_options(const hub::Environment& environment) {
  hub::CurlOptions options;
  options.user_agent = std::string("neffs/") + kVersion;
  for (const char* name : {"SSL_CERT_FILE", "CURL_CA_BUNDLE"})
    if (options.ca_file.empty()) options.ca_file = environment.get(name).value_or("");
  return options;
}

HubSession::HubSession(const hub::Environment& environment)
    : http_(curl_options(environment)),
      credentials_("", environment),
      client_(http_, credentials_, rates_,
              {.endpoint = endpoint_of(environment), .offline = is_offline(environment)}) {}

}  // namespace neffs::mount_helper
