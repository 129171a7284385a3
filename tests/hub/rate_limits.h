// The Hub's request quotas: fixed windows, one bucket per caller and kind of path.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

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
};

// Any thread may call.
class RateLimits {
 public:
  void set_policy(const RatePolicy& policy);

  // Counts a request at `now` (Unix seconds). An answer (429) if the quota is used up; in any case
  // `headers` gets the two lines that every answer of the Hub carries.
  std::optional<Answer> admit(const Request& request, const Caller& caller, std::int64_t now,
                              HeaderList& headers);

 private:
  struct Bucket {
    std::int64_t window = -1;  // the number of the window that `used` is about
    std::int64_t used = 0;
  };

  std::mutex mutex_;
  RatePolicy policy_;                                              // guarded by mutex_
  std::map<std::pair<std::string, std::string>, Bucket> buckets_;  // guarded by mutex_
};

}  // namespace neffs::test
