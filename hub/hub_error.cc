#include "hub/hub_error.h"

namespace neffs::hub {

HubError::HubError(HubErrorKind error_kind, const std::string& message)
    : std::runtime_error(message), kind(error_kind) {}

const char* to_string(HubErrorKind kind) {
  switch (kind) {
    case HubErrorKind::kEntryNotFound:
      return "entry-not-found";
    case HubErrorKind::kRepoNotFound:
      return "repo-not-found";
    case HubErrorKind::kRevisionNotFound:
      return "revision-not-found";
    case HubErrorKind::kUnauthorized:
      return "unauthorized";
    case HubErrorKind::kForbidden:
      return "forbidden";
    case HubErrorKind::kGated:
      return "gated";
    case HubErrorKind::kDisabled:
      return "disabled";
    case HubErrorKind::kThrottled:
      return "throttled";
    case HubErrorKind::kUnavailable:
      return "unavailable";
    case HubErrorKind::kInvalidAnswer:
      return "invalid-answer";
    case HubErrorKind::kCorrupt:
      return "corrupt";
    case HubErrorKind::kOffline:
      return "offline";
    case HubErrorKind::kCancelled:
      return "cancelled";
    case HubErrorKind::kLocal:
      return "local";
  }
  return "unknown";
}

bool is_definite(HubErrorKind kind) {
  switch (kind) {
    case HubErrorKind::kEntryNotFound:
    case HubErrorKind::kRepoNotFound:
    case HubErrorKind::kRevisionNotFound:
    case HubErrorKind::kUnauthorized:
    case HubErrorKind::kForbidden:
    case HubErrorKind::kGated:
    case HubErrorKind::kDisabled:
      return true;
    case HubErrorKind::kThrottled:
    case HubErrorKind::kUnavailable:
    case HubErrorKind::kInvalidAnswer:
    case HubErrorKind::kCorrupt:
    case HubErrorKind::kOffline:
    case HubErrorKind::kCancelled:
    case HubErrorKind::kLocal:
      return false;
  }
  return false;
}

}  // namespace neffs::hub
