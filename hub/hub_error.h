// Everything that can go wrong with the Hub, named by what the caller does next.
#pragma once

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>

namespace neffs::hub {

enum class HubErrorKind {
  kEntryNotFound,     // the path is not in the repo at that revision: a definite absence
  kRepoNotFound,      // missing, or private without access: the two are told apart by nobody
  kRevisionNotFound,  // the repo is there, the branch, tag or commit is not
  kUnauthorized,      // 401: the token is bad or expired, also after it was read again
  kForbidden,         // 403: the token is good but has no right here
  kGated,             // the terms of the repo have not been accepted
  kDisabled,          // the Hub switched the repo off
  kThrottled,         // 429: wait for retry_after
  kUnavailable,       // no connection, time-out, 5xx: try again later, nothing is known
  kInvalidAnswer,     // an answer that the Hub would not give (HTML, bad JSON, wrong range, no end)
  kCorrupt,           // the bytes are not those that were promised, also after a second fetch
  kRefused,           // 400, 413: the Hub will not have this content, whenever it is asked
  kFolderFull,        // 400 too: a folder has no room for another name, but others may have
  kHeadMoved,         // 412: the branch has got another commit; look again, make the commit anew
  kBusy,              // 409: another commit of the repo is running; the same again in a moment
  kUnknownOutcome,    // the answer to a commit was lost: look whether it was made
  kOffline,           // no request was made because HTTP is switched off
  kCancelled,         // the client is shutting down, or the caller gave up
  kLocal,             // this machine failed: disk full, I/O error; see local_errno
};

// Thrown by everything in hub/ that talks to the Hub. what() is one line for people, without
// tokens or signed URLs.
class HubError : public std::runtime_error {
 public:
  HubError(HubErrorKind error_kind, const std::string& message, int status = 0);
  // kLocal: what failed here, and with which errno.
  static HubError local(const std::string& what, int error);
  // kThrottled: the Hub must not be asked before `wait` is over.
  static HubError throttled(const std::string& subject, std::chrono::milliseconds wait);

  HubErrorKind kind;
  int http_status = 0;                              // 0: there was no answer
  std::string request_id;                           // X-Request-Id, for support
  std::optional<std::chrono::seconds> retry_after;  // kThrottled: how long the Hub asks to wait
  int local_errno = 0;                              // kLocal only
  // kUnavailable: the request may have arrived whole and have been obeyed, only its answer is missing.
  bool may_have_arrived = false;
};

// A short stable word for each kind, for logs and status ("unavailable", "repo-not-found", …).
const char* to_string(HubErrorKind kind);

// True where the Hub gave a definite answer that waiting does not change, so that `mount` fails at
// once; false where nothing is known (unreachable, throttled, offline, …).
bool is_definite(HubErrorKind kind);

}  // namespace neffs::hub
