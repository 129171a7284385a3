#include "hub/hub_error.h"

#include <fmt/format.h>

#include <system_error>

namespace neffs::hub {

HubError::HubError(HubErrorKind error_kind, const std::string& message, int status)
    : std::runtime_error(message), kind(error_kind), http_status(status) {}

HubError HubError::local(const std::string& what, int error) {
  HubError failure(HubErrorKind::kLocal,
                   fmt::format("{}: {}", what, std::generic_category().message(error)));
  failure.local_errno = error;
  return failure;
}

HubError HubError::throttled(const std::string& subject, std::chrono::milliseconds wait) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait);
  HubError failure(
      HubErrorKind::kThrottled,
      fmt::format("{}: the Hub's rate limit is used up for {} s", subject, seconds.count()));
  failure.retry_after = seconds;
  return failure;
}

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
    case HubErrorKind::kRefused:
      return "refused";
    case HubErrorKind::kFolderFull:
      return "folder-full";
    case HubErrorKind::kHeadMoved:
      return "head-moved";
    case HubErrorKind::kBusy:
      return "busy";
    case HubErrorKind::kUnknownOutcome:
      return "unknown-outcome";
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
    case HubErrorKind::kRefused:
    case HubErrorKind::kFolderFull:
      return true;
    case HubErrorKind::kThrottled:
    case HubErrorKind::kUnavailable:
    case HubErrorKind::kInvalidAnswer:
    case HubErrorKind::kCorrupt:
    case HubErrorKind::kHeadMoved:
    case HubErrorKind::kBusy:
    case HubErrorKind::kUnknownOutcome:
    case HubErrorKind::kOffline:
    case HubErrorKind::kCancelled:
    case HubErrorKind::kLocal:
      return false;
  }
  return false;
}

}  // namespace neffs::hub
