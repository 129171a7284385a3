#include "fs/fuse/errno_of.h"

#include <cerrno>
#include <new>
#include <system_error>

#include "index/index.h"

namespace neffs::fs {

int errno_of(const hub::HubError& error) noexcept {
  switch (error.kind) {
    case hub::HubErrorKind::kEntryNotFound:
      return ENOENT;
    // The Hub refuses: nothing that the reader could try again.
    case hub::HubErrorKind::kRepoNotFound:
    case hub::HubErrorKind::kUnauthorized:
    case hub::HubErrorKind::kForbidden:
    case hub::HubErrorKind::kGated:
    case hub::HubErrorKind::kDisabled:
      return EACCES;
    case hub::HubErrorKind::kCancelled:
      return EINTR;
    case hub::HubErrorKind::kLocal:
      return error.local_errno != 0 ? error.local_errno : EIO;
    // A promised file that could not be had, after all retries.
    case hub::HubErrorKind::kRevisionNotFound:
    case hub::HubErrorKind::kThrottled:
    case hub::HubErrorKind::kUnavailable:
    case hub::HubErrorKind::kInvalidAnswer:
    case hub::HubErrorKind::kCorrupt:
    case hub::HubErrorKind::kRefused:
    case hub::HubErrorKind::kFolderFull:
    case hub::HubErrorKind::kHeadMoved:
    case hub::HubErrorKind::kBusy:
    case hub::HubErrorKind::kUnknownOutcome:
    case hub::HubErrorKind::kOffline:
      return EIO;
  }
  return EIO;
}

int errno_of(const std::exception_ptr& error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const std::system_error& failure) {
    const int value = failure.code().value();
    return value > 0 ? value : EIO;
  } catch (const hub::HubError& failure) {
    return errno_of(failure);
  } catch (const index::IndexError& failure) {
    return failure.kind == index::IndexErrorKind::kNoSpace ? ENOSPC : EIO;
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  } catch (...) {
    return EIO;
  }
}

}  // namespace neffs::fs
