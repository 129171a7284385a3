// How many requests left this process, what became of them, and how long their answers took to begin.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/http_client.h"

namespace neffs::hub {

// What of the Hub a request is for: "head", "tree", "paths-info", "compare", "resolve", "preupload",
// "lfs", "commit", "whoami", "other" of the Hub itself, "storage" of any other host.
std::string_view kind_of_request(std::string_view endpoint, const HttpRequest& request);

// Upper bounds, in seconds; whatever took longer is in the count alone.
inline constexpr std::array kLatencyBounds = {0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0};

struct HttpCounts {
  struct Latency {
    std::array<std::uint64_t, kLatencyBounds.size()> buckets{};  // each without those before it
    std::uint64_t count = 0;
    double seconds = 0;
  };
  // By kind and status; 0 for those that got no answer.
  std::map<std::pair<std::string, int>, std::uint64_t> requests;
  // By kind, from sending to the head of the answer.
  std::map<std::string, Latency> latencies;
};

// Safe for any thread; the mutex is a leaf.
class HttpCounter {
 public:
  void answered(std::string_view kind, int status, std::chrono::steady_clock::duration time);
  void failed(std::string_view kind);
  HttpCounts counts() const;

 private:
  mutable std::mutex mutex_;
  HttpCounts counts_;  // protected by mutex_
};

// Counts what goes through it. A transfer that is cancelled before its answer is not counted.
class CountingHttpClient final : public HttpClient {
 public:
  // Both outlive this and its exchanges. endpoint: of the Hub.
  CountingHttpClient(HttpClient& client, HttpCounter& counter, std::string endpoint)
      : client_(client), counter_(counter), endpoint_(std::move(endpoint)) {}

  std::unique_ptr<HttpExchange> exchange(std::stop_token stop) override;
  void shutdown() override { client_.shutdown(); }

 private:
  class Exchange;
  HttpClient& client_;
  HttpCounter& counter_;
  const std::string endpoint_;
};

}  // namespace neffs::hub
