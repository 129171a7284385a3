#include "tests/hub/rate_limits.h"

#include <algorithm>

namespace neffs::test {
namespace {

// "api" is everything below /api/ that does not resolve a file.
std::string class_of(const Request& request) {
  const std::string path = request.target.substr(0, request.target.find('?'));
  if (path.find("/resolve") != std::string::npos) return "resolvers";
  return path.starts_with("/api/") ? "api" : "pages";
}

std::int64_t quota_of(const RateQuota& quota, const std::string& name) {
  if (name == "resolvers") return quota.resolvers;
  return name == "api" ? quota.api : quota.pages;
}

}  // namespace

void RateLimits::set_policy(const RatePolicy& policy) {
  const std::scoped_lock lock(mutex_);
  policy_ = policy;
  buckets_.clear();
}

std::optional<Answer> RateLimits::admit(const Request& request, const Caller& caller,
                                        std::int64_t now, HeaderList& headers) {
  const std::string name = class_of(request);
  const std::string who = caller.known ? "token " + caller.token : "address " + request.remote_ip;
  const std::scoped_lock lock(mutex_);
  const std::int64_t quota = quota_of(caller.known ? policy_.with_token : policy_.anonymous, name);
  const std::int64_t window = now / policy_.window_s;
  Bucket& bucket = buckets_[{who, name}];
  if (bucket.window != window) bucket = {window, 0};
  const bool admitted = bucket.used < quota;
  if (admitted) ++bucket.used;
  const std::int64_t left_s = (window + 1) * policy_.window_s - now;
  headers.emplace_back("RateLimit", '"' + name + "\";r=" + std::to_string(quota - bucket.used) +
                                        ";t=" + std::to_string(left_s));
  headers.emplace_back("RateLimit-Policy", "\"fixed window\";\"" + name +
                                               "\";q=" + std::to_string(quota) +
                                               ";w=" + std::to_string(policy_.window_s));
  if (admitted) return std::nullopt;
  return error_answer(429, "", "We had to rate limit you. Retry later.");
}

}  // namespace neffs::test
