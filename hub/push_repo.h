// The writing door of hub/: a repo on the Hub as its writer sees it, in our own words. remote_repo.h
// is the reading one. Files reach the repo in three steps: plan() asks how each must be stored,
// upload() brings the large ones to the storage, commit() gives all of them their names at once.
// Another backend (another forge, Hub buckets) is another PushRepo and nothing else.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "hub/content_id.h"
#include "hub/hub_error.h"
#include "hub/seal.h"

namespace neffs::hub {

// What ends a call that is still waiting: after the deadline kUnavailable, or kThrottled if the Hub
// asks to wait beyond it; soon after a request to stop kCancelled.
struct CallLimits {
  std::chrono::steady_clock::time_point deadline;
  std::stop_token stop;
};

// --- access ----------------------------------------------------------------------------------------

// A definite answer of the Hub about the repo, its branch and the token. A plain value.
struct PushAccess {
  // Why nothing can be pushed: kRepoNotFound, kRevisionNotFound (the repo has no such branch; a tag
  // or a commit is none), kUnauthorized, kForbidden, kGated or kDisabled. nullopt: it may be written.
  std::optional<HubError> refusal;

  // What is known of the repo if the token may see it, written or not.
  bool exists = false;
  std::string id;  // canonical "namespace/name"
  bool is_private = false;
  bool is_gated = false;
  bool is_disabled = false;
  std::optional<std::string> head;  // the commit of the branch, if it was asked for

  bool may_write() const { return !refusal; }
};

enum class Visibility { kPrivate, kPublic };

// --- plan ------------------------------------------------------------------------------------------

inline constexpr std::size_t kSampleBytes = 512;

// A file that is to be committed.
struct PushFile {
  std::string path;  // from the root of the repo
  std::uint64_t size = 0;
  std::string sample;  // its first kSampleBytes bytes, or all of a shorter one
};

enum class StorageKind {
  kRegular,  // carried by the commit itself
  kLfs,      // uploaded before, committed by its SHA-256
  kIgnored,  // the repo's .gitignore excludes it: the repo would never show it
};

struct FilePlan {
  StorageKind storage = StorageKind::kRegular;
  // What the branch has under this path now, nullopt if nothing. Equal to the id of the local bytes
  // (of the kind that belongs to `storage`): there is nothing to do.
  std::optional<ContentId> current;
};

struct PushPlan {
  std::vector<FilePlan> files;  // one for each file of the question, in its order
  // The commit all of it was computed from; nullopt if the Hub does not say, or moved meanwhile.
  std::optional<std::string> head;
};

// --- upload ----------------------------------------------------------------------------------------

// Bytes for the storage, named by their SHA-256.
struct LfsObject {
  ContentId content;
  std::uint64_t size = 0;

  friend bool operator==(const LfsObject&, const LfsObject&) = default;
};

// A file to read from. The descriptor stays open for as long as the value is held.
struct OpenedFile {
  std::shared_ptr<const void> keep;
  int fd = -1;
  // Of its bytes when they were found to be the object; without, they are hashed once more.
  std::optional<Seal> seal{};
};

struct UploadRequest {
  std::vector<LfsObject> objects;  // any number; an object given twice is uploaded once
  // Called when the turn of an object has come, any thread, several at once. Throws HubError kLocal
  // if it cannot be opened. The file's offset is neither used nor moved.
  std::function<OpenedFile(const LfsObject& object)> open;
  std::chrono::milliseconds idle_timeout{
      60'000};  // a transfer without a byte for so long has failed
  // May be empty; any thread, and calls may overtake each other. Counts down again what has to be
  // sent again.
  std::function<void(std::uint64_t bytes_sent)> on_progress;
};

struct UploadResult {
  enum class State { kUploaded, kAlreadyStored, kFailed };
  State state = State::kFailed;
  // kFailed only. kRefused: the storage will not have it; kLocal: the file cannot be read, is
  // shorter than promised or holds other bytes by now; kUnavailable: it could not be brought over.
  std::optional<HubError> error;
};

// --- commit ----------------------------------------------------------------------------------------

struct RegularFile {
  std::string path;
  std::string bytes;
};

struct LfsFile {
  std::string path;
  LfsObject object;  // in the storage already
};

struct CommitRequest {
  std::string parent;   // the head that the changes were made for, 40 hex
  std::string summary;  // not empty
  std::string description;
  std::vector<RegularFile>
      regular_files;  // at most kMostRegularBytes in all; the caller keeps to it
  std::vector<LfsFile> lfs_files;
  std::vector<std::string> deleted_files;  // each must be there
};

inline constexpr std::uint64_t kMostRegularBytes = 100'000'000;

// A commit of the branch, anybody's.
struct PastCommit {
  std::string id;
  std::string title;
  std::chrono::sys_seconds date{};
};

// A branch of a repo at one endpoint. Every call blocks until it is answered, may be made by any
// thread, retries by itself what is safe to repeat, and throws HubError. Nothing is cached here, and
// nothing is ever written but by create() and commit().
class PushRepo {
 public:
  virtual ~PushRepo() = default;

  // Whether the branch may be written, and what the repo is. A returned value is what the Hub says
  // for certain; an unclear answer (5xx, time-out, offline, throttled, a proxy's page) is thrown, and
  // leaves everything open. Learns the canonical id that all later requests use.
  virtual PushAccess access(const CallLimits& limits) = 0;

  // Makes the repo. One that exists is fine and stays as it is, public ones too: ask access() after.
  virtual void create(Visibility visibility, const CallLimits& limits) = 0;

  // How the Hub wants each file stored, and what the branch has in its place.
  virtual PushPlan plan(const std::vector<PushFile>& files, const CallLimits& limits) = 0;

  // Brings those objects to the storage that it does not have. Returns one result for each object,
  // in their order: what is wrong with one does not keep the others. Throws what concerns all of
  // them (kUnauthorized, kForbidden, kCancelled, …); what has arrived by then is kAlreadyStored when
  // asked again. Memory does not depend on the number or the size of the objects.
  virtual std::vector<UploadResult> upload(const UploadRequest& request,
                                           const CallLimits& limits) = 0;

  // Makes one commit of everything, or none, and returns its id, the new head. Besides the usual:
  //   kHeadMoved       `parent` is not the head any more: look again, make it anew
  //   kEntryNotFound   a file to be deleted is not there
  //   kRefused         the Hub will not have this content, whenever it is asked
  //   kFolderFull      a folder would hold more names than the Hub allows; what goes elsewhere can go
  //   kBusy            another commit kept running until the deadline; the same again later
  //   kThrottled       the quota of requests or of commits is used up; not waited for here
  //   kUnknownOutcome  it may have been made: look at the head before sending it again.
  //                    kCancelled leaves it open in the same way
  // After every other error nothing has been committed.
  virtual std::string commit(const CommitRequest& request, const CallLimits& limits) = 0;

  // The commits of the branch with a date of `since` or later, newest first.
  virtual std::vector<PastCommit> recent_commits(std::chrono::sys_seconds since,
                                                 const CallLimits& limits) = 0;
};

}  // namespace neffs::hub
