// A conversation with one Hub: everything that belongs to every request to it, in one place.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "hub/credentials.h"
#include "hub/http_client.h"
#include "hub/rate_limit.h"
#include "hub/url.h"

namespace neffs::hub {

inline constexpr const char* kDefaultEndpoint = "https://huggingface.co";

// One question to the Hub's API.
struct HubCall {
  std::string method = "GET";
  Url url;  // at the endpoint
  Headers headers;
  std::string body;
  std::function<std::shared_ptr<BodySource>()> source;  // instead of `body`: a new one for each try
  std::optional<std::chrono::milliseconds> idle_timeout;  // nullopt: the client's
  Bucket bucket = Bucket::kApi;
  std::string subject;  // what errors name: "ada/m@main"
  // Hand back 3xx and 4xx as they are, instead of following (same host only) and throwing. 401 after
  // a token renewal, 408, 429 and 5xx are retried and thrown in any case.
  bool any_answer = false;
  // What must not be done twice: on a connection of its own, and tried again only where the first
  // try cannot have arrived.
  bool once = false;
};

// Owns nothing it is given. Any thread. Throws HubError.
class HubClient {
 public:
  struct Options {
    std::string endpoint = kDefaultEndpoint;  // http(s)://host[:port][/prefix], no slash at the end
    bool offline = false;                     // no request is made, everything throws kOffline
    std::chrono::milliseconds idle_timeout{10'000};  // of one request
  };

  // All three must outlive this. Throws HubError kLocal if the endpoint is no URL.
  HubClient(HttpClient& http, Credentials& credentials, RateLedger& rates, Options options);

  // A URL below the endpoint. path: encoded, begins with '/'; query: without '?'.
  Url url(const std::string& path, const std::string& query = "") const;
  // Where the Hub answers for one file of a commit. Throws kInvalidAnswer for a path that servers
  // would normalise into another one.
  Url file_url(const std::string& repo_id, const std::string& revision,
               const std::string& path) const;
  // A URL that the Hub returned, seen from `base`; nullopt if it is none. See at_endpoint().
  std::optional<Url> returned_url(const Url& base, std::string_view reference) const;
  const std::string& endpoint() const { return options_.endpoint; }

  // Asks until there is an answer: waits for the rate limit, sends the token (and after a 401 the
  // renewed one), follows redirects within the host, retries. kUnavailable after the deadline, or
  // kThrottled if the Hub asks to wait beyond it.
  HttpResponse ask(const HubCall& call, std::chrono::steady_clock::time_point deadline,
                   const std::stop_token& stop) const;

  // --- the parts of ask(), for transfers that are more than one answer ---------------------------
  std::unique_ptr<HttpExchange> exchange(std::stop_token stop) const;  // throws kOffline
  // Method, URL, token and the headers of every request to the Hub. token: "" for none; it must be
  // given for URLs of the endpoint only, which is checked.
  HttpRequest request(const std::string& method, const Url& url, const std::string& token) const;
  Credentials& credentials() const { return credentials_; }
  RateLedger& rates() const { return rates_; }
  bool is_endpoint(const Url& url) const { return same_origin(url, base_); }

 private:
  HttpResponse ask_once(HttpExchange& exchange, const HubCall& call, bool fresh,
                        std::chrono::steady_clock::time_point deadline) const;
  void wait_for_rate(HttpExchange& exchange, const HubCall& call,
                     std::chrono::steady_clock::time_point deadline) const;
  Url redirected(const HubCall& call, const Url& from, const HttpResponse& response) const;

  HttpClient& http_;
  Credentials& credentials_;
  RateLedger& rates_;
  const Options options_;
  const Url base_;
};

// Any number, different every time: spreads retries, names requests.
std::uint64_t random_number();

bool is_redirect(int status);

}  // namespace neffs::hub
