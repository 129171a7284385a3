// What has to come of each fault at each request that a mount makes when it reads.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/hub/faults.h"

namespace neffs::test {

// A way to fail. Without a fault: the request arrives and is never answered.
struct Failing {
  std::string name;
  std::optional<Fault> fault;
  // Of the kinds that it can be done to; empty: of all.
  std::set<Kind> kinds{};

  bool is_for(Kind kind) const { return kinds.empty() || kinds.contains(kind); }
};

const std::vector<Failing>& failings();

// What somebody meets while it lasts.
struct Outcome {
  int error = 0;      // errno of what he does; EPERM as the error of a mount: it fails and says why
  std::string state;  // of the source, in `status`; not looked at where the mount fails
};

// The expectation for one of failings(), by name, at this request.
//   kMountNew, kMountKnown: what is said when mounting; then a look-up of a module
enum class Step {
  kMountNew,
  kMountKnown,
  kHead,
  kCompare,
  kListing,
  kRedirect,
  kSmallFile,
  kBytes,
  kRights
};
Outcome expected(Step step, const std::string& failing);

}  // namespace neffs::test
