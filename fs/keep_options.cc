#include "fs/keep_options.h"

namespace neffs::fs {

bool may_remove(StaleLocks policy, Life creator) {
  switch (policy) {
    case StaleLocks::kReboot:
      return creator == Life::kEarlierBoot;
    case StaleLocks::kKeep:
      return false;
    case StaleLocks::kClear:
      return creator == Life::kEarlierBoot || creator == Life::kGone;
  }
  return false;
}

std::chrono::milliseconds time_left(std::chrono::system_clock::time_point failed_at,
                                    std::chrono::milliseconds kept_for,
                                    std::chrono::system_clock::time_point now) {
  return std::chrono::ceil<std::chrono::milliseconds>(failed_at + kept_for - now);
}

}  // namespace neffs::fs
