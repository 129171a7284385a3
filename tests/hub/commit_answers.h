// The Hub's refusals of commits that are nobody's fault, in its own words: clients tell them apart
// and must do something different about each.
#pragma once

#include <cstdint>

#include "tests/hub/exchange.h"

namespace neffs::test {

Answer commit_running_answer();                             // 409
Answer head_moved_answer();                                 // 412
Answer commit_quota_answer(std::int64_t commits_per_hour);  // 429, without a RateLimit of its own

}  // namespace neffs::test
