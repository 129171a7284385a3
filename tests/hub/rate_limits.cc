#include "tests/hub/rate_limits.h"

#include <algorithm>

#include "tests/hub/commit_answers.h"

namespace neffs::test {
namespace {

constexpr std::int64_t kHour = 3600;

// "api" is everything below /api/ that does not resolve a file; LFS is taken for a part of it.
std::string class_of(const Request& request) {
  const std::string path = request.target.substr(0, request.target.find('?'));
  if (path.find("/resolve") != std::string::npos) return "resolvers";
  const bool lfs = path.find(".git/info/lfs/") != std::string::npos;
  return lfs || path.starts_with("/api/") ? "api" : "pages";
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
  commits_.clear();
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

std::optional<Answer> RateLimits::refuse_commit(const std::string& user, std::int64_t on_branch,
                                                std::int64_t now) {
  const std::scoped_lock lock(mutex_);
  std::vector<std::int64_t>& own = commits_[user];
  std::erase_if(own, [&](std::int64_t time) { return time <= now - kHour; });
  const auto by_user = static_cast<std::int64_t>(own.size());
  const std::int64_t used = policy_.commits_by_user ? by_user : on_branch;
  if (used < policy_.commits_per_hour) return std::nullopt;
  return commit_quota_answer(policy_.commits_per_hour);
}

void RateLimits::committed(const std::string& user, std::int64_t now) {
  const std::scoped_lock lock(mutex_);
  commits_[user].push_back(now);
}

}  // namespace neffs::test
