#include "tests/hub/commit_answers.h"

#include <string>

namespace neffs::test {

Answer commit_running_answer() {
  return error_answer(
      409, "", "Another commit operation is in progress for this repository. Please retry later.");
}

Answer head_moved_answer() {
  return error_answer(412, "", "A commit has happened since. Please refresh and try again.");
}

Answer commit_quota_answer(std::int64_t commits_per_hour) {
  return error_answer(429, "",
                      "You have exceeded the rate limit for repository commits (" +
                          std::to_string(commits_per_hour) +
                          " per hour). You can retry this action in about 1 hour.");
}

}  // namespace neffs::test
