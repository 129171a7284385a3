// The Hub's quotas: of requests in fixed windows, one bucket per caller and kind of path, and of
// commits in any hour.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/hub/access.h"

namespace neffs::test {

struct RateQuota {
  std::int64_t api = 0;
  std::int64_t resolvers = 0;
  std::int64_t pages = 0;
};

struct RatePolicy {
  RateQuota anonymous{500, 3000, 100};  // by address; the Hub's figures of 2026
  RateQuota with_token{1000, 5000, 200};
  std::int64_t window_s = 300;
  std::int64_t commits_per_hour = 128;
  // Whose commits count: everyone's on the branch, however they were made, or the user's anywhere,
  // made over HTTP. Nobody outside the Hub knows which it is.
  bool commits_by_user = false;
};

// Any thread may call.
class RateLimits {
 public:
  void set_policy(const RatePolicy& policy);

  // Counts a request at `now` (Unix seconds). An answer (429) if the quota is used up; in any case
  // `headers` gets the two lines that every answer of the Hub carries.
  std::optional<Answer> admit(const Request& request, const Caller& caller, std::int64_t now,
                              HeaderList& headers);

  // Asked before a commit of `user`, to a branch with that many commits in the last hour.
  std::optional<Answer> refuse_commit(const std::string& user, std::int64_t on_branch,
                                      std::int64_t now);
  void committed(const std::string& user, std::int64_t now);

 private:
  struct Bucket {
    std::int64_t window = -1;  // the number of the window that `used` is about
    std::int64_t used = 0;
  };

  std::mutex mutex_;
  RatePolicy policy_;                                              // guarded by mutex_
  std::map<std::pair<std::string, std::string>, Bucket> buckets_;  // guarded by mutex_
  std::map<std::string, std::vector<std::int64_t>> commits_;       // times, by user; guarded too
};

}  // namespace neffs::test
