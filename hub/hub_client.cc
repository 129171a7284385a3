#include "hub/hub_client.h"

#include <fmt/format.h>

#include <random>

#include "hub/error_of_response.h"
#include "hub/retry_policy.h"

namespace neffs::hub {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kMostHops = 5;
constexpr std::size_t kLongestAnswer = 16UL * 1024 * 1024;

Url parsed_endpoint(const std::string& endpoint) {
  const auto url = Url::parse(endpoint);
  if (!url || !url->query.empty()) {
    throw HubError(HubErrorKind::kLocal,
                   fmt::format("{}: the endpoint is not a URL like {} (check HF_ENDPOINT)",
                               quotable(endpoint), kDefaultEndpoint));
  }
  return *url;
}

std::string without_slash(std::string text) {
  while (text.ends_with('/')) text.pop_back();
  return text;
}

HubClient::Options tidy(HubClient::Options options) {
  options.endpoint = without_slash(std::move(options.endpoint));
  return options;
}

// A version 4 UUID, by which the Hub's people find a request in their logs.
std::string new_trace_id() {
  const std::uint64_t high = random_number();
  const std::uint64_t low = random_number();
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}", high >> 32U, (high >> 16U) & 0xFFFFU,
                     high & 0xFFFU, ((low >> 48U) & 0x3FFFU) | 0x8000U, low & 0xFFFFFFFFFFFFU);
}

bool is_plain_path(const std::string& path) {
  const std::string framed = "/" + path + "/";
  return framed.find("//") == std::string::npos && framed.find("/./") == std::string::npos &&
         framed.find("/../") == std::string::npos;
}

bool is_transient_status(int status) {
  return status == 408 || status == 429 || status >= 500;
}

bool may_be_repeated(const HubCall& call, const HubError& error) {
  if (!call.once) return true;
  return error.kind == HubErrorKind::kUnavailable && !error.may_have_arrived;
}

}  // namespace

std::uint64_t random_number() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return generator();
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

HubClient::HubClient(HttpClient& http, Credentials& credentials, RateLedger& rates, Options options)
    : http_(http),
      credentials_(credentials),
      rates_(rates),
      options_(tidy(std::move(options))),
      base_(parsed_endpoint(options_.endpoint)) {}

Url HubClient::url(const std::string& path, const std::string& query) const {
  Url url = base_;
  url.path = without_slash(base_.path) + path;
  url.query = query;
  return url;
}

Url HubClient::file_url(const std::string& repo_id, const std::string& revision,
                        const std::string& path) const {
  if (!is_plain_path(path)) {
    throw HubError(HubErrorKind::kInvalidAnswer,
                   fmt::format("{}/{}: not a file's path", repo_id, quotable(path)));
  }
  return url(fmt::format("/{}/resolve/{}/{}", encode_path(repo_id), encode_segment(revision),
                         encode_path(path)));
}

std::optional<Url> HubClient::returned_url(const Url& base, std::string_view reference) const {
  return resolve(base, at_endpoint(reference, options_.endpoint));
}

std::unique_ptr<HttpExchange> HubClient::exchange(std::stop_token stop) const {
  if (options_.offline) {
    throw HubError(HubErrorKind::kOffline, "HTTP is switched off (offline, HF_HUB_OFFLINE)");
  }
  return http_.exchange(std::move(stop));
}

HttpRequest HubClient::request(const std::string& method, const Url& url,
                               const std::string& token) const {
  HttpRequest request;
  request.method = method;
  request.url = url.text();
  request.idle_timeout = options_.idle_timeout;
  request.headers.add("X-Amzn-Trace-Id", new_trace_id());
  if (!token.empty()) {
    if (!is_endpoint(url)) throw std::logic_error("a token for another host");
    request.headers.add("Authorization", "Bearer " + token);
  }
  return request;
}

void HubClient::wait_for_rate(HttpExchange& exchange, const HubCall& call,
                              steady_clock::time_point deadline) const {
  const auto now = steady_clock::now();
  if (now >= deadline) throw HubError(HubErrorKind::kUnavailable, call.subject + ": no time left");
  const auto patience = std::chrono::floor<milliseconds>(deadline - now);
  const milliseconds wait = rates_.wait_before(call.bucket, now, patience);
  if (wait > patience) throw HubError::throttled(call.subject, wait);
  if (wait > milliseconds(0)) exchange.next(now + wait);
}

Url HubClient::redirected(const HubCall& call, const Url& from,
                          const HttpResponse& response) const {
  const auto next = returned_url(from, response.headers.get("Location").value_or(""));
  // The API of a Hub redirects renamed repos, and those to itself only.
  if (!next || !is_endpoint(*next)) {
    throw HubError(HubErrorKind::kInvalidAnswer,
                   fmt::format("{}: redirected away from the Hub (is a proxy in between, or "
                               "HF_ENDPOINT wrong?)",
                               call.subject),
                   response.status);
  }
  return *next;
}

HttpResponse HubClient::ask_once(HttpExchange& exchange, const HubCall& call, bool fresh,
                                 steady_clock::time_point deadline) const {
  Url url = call.url;
  bool renewed = false;
  for (int hops = 0; hops <= kMostHops;) {
    wait_for_rate(exchange, call, deadline);
    const std::string token = credentials_.token();
    HttpRequest next = request(call.method, url, token);
    for (const Header& header : call.headers.list()) next.headers.add(header.name, header.value);
    next.body = call.body;
    if (call.source) next.source = call.source();
    next.idle_timeout = call.idle_timeout.value_or(next.idle_timeout);
    next.deadline = deadline;
    next.fresh_connection = fresh;
    HttpResponse response = perform(exchange, std::move(next), kLongestAnswer);
    rates_.heard(call.bucket, response.headers, steady_clock::now());

    if (response.status >= 200 && response.status < 300) return response;
    if (response.status == 401 && !renewed && credentials_.renewed_after(token)) {
      renewed = true;
      continue;
    }
    if (call.any_answer && !is_transient_status(response.status)) return response;
    if (!is_redirect(response.status)) {
      throw error_of_response({call.subject, token.empty()}, response.status, response.headers,
                              response.body);
    }
    url = redirected(call, url, response);
    ++hops;
  }
  throw HubError(HubErrorKind::kInvalidAnswer, call.subject + ": redirected without end", 307);
}

HttpResponse HubClient::ask(const HubCall& call, steady_clock::time_point deadline,
                            const std::stop_token& stop) const {
  const auto talk = exchange(stop);
  // A connection that has been idle may be dead already, which only the lost request would show.
  bool fresh = call.once;
  for (int attempt = 0;; ++attempt) {
    try {
      return ask_once(*talk, call, fresh, deadline);
    } catch (const HubError& error) {
      if (!may_be_repeated(call, error)) throw;
      const auto now = steady_clock::now();
      if (error.retry_after) rates_.throttled(call.bucket, *error.retry_after, now);
      const auto delay = retry_delay(failure_of(error), attempt, random_number());
      if (!delay || now + *delay >= deadline) throw;
      talk->next(now + *delay);
      fresh = call.once || error.http_status == 0;
    }
  }
}

}  // namespace neffs::hub
