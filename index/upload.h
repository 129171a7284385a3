// What is to be published, as plain values. index.h has the verbs; nothing here is interpreted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace neffs::index {

// Where an upload goes, and never anywhere else.
struct UploadTarget {
  std::string endpoint;
  std::string repo;
  std::string branch;

  friend bool operator==(const UploadTarget&, const UploadTarget&) = default;
};

// A module that is still settling has no row yet. kHeld is not stored: an upload that has not ended is
// shown as that to whoever publishes to another target.
enum class UploadState { kQueued, kUploading, kPushed, kSuperseded, kFailed, kHeld };

// What is compared to see that a file is still the one that was queued.
struct FileSnapshot {
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;
  std::uint64_t inode = 0;

  friend bool operator==(const FileSnapshot&, const FileSnapshot&) = default;
};

// A file of the layer as it was when its module was found quiet.
struct SeenFile {
  std::string path;  // relative to the layer; that of the upload, or below it
  FileSnapshot snapshot;

  friend bool operator==(const SeenFile&, const SeenFile&) = default;
};

// How the target stores a file, which is the server's decision.
enum class UploadMode { kUnknown, kRegular, kLfs };

struct UploadFile {
  std::string path;
  FileSnapshot snapshot;
  std::string sha256;  // texts of content ids, "" until the file has been hashed
  std::string sha1;
  UploadMode mode = UploadMode::kUnknown;
  bool is_uploaded = false;  // the target has the bytes of this sha256

  // The id that the target will list it under; "" while that is not known.
  const std::string& content() const;

  friend bool operator==(const UploadFile&, const UploadFile&) = default;
};

// A module, or a single file of a registry.
struct UploadEntry {
  std::string path;
  // Names this path with these files: no other upload ever had or will have the number, and later ones
  // are greater. A verb that is given one does nothing once the path has been queued anew.
  std::int64_t generation = 0;
  UploadTarget target;
  UploadState state = UploadState::kQueued;
  int attempts = 0;               // how often it was put back with an error
  std::int64_t not_before_s = 0;  // Unix time; 0 is at once
  std::string error;              // the last one, in a line; "" if none
  // Of the last push, also of an earlier generation: then this one is what comes after it. Superseded:
  // where somebody else's was found.
  std::string commit;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::int64_t updated_s = 0;  // Unix time of the last change of state

  friend bool operator==(const UploadEntry&, const UploadEntry&) = default;
};

struct Upload {
  UploadEntry entry;
  std::vector<UploadFile> files;  // by path

  friend bool operator==(const Upload&, const Upload&) = default;
};

struct Queued {
  enum class Change {
    kNew,        // the path had no upload
    kAnew,       // it had one of other files, which is no more
    kUnchanged,  // it has one of these files, in whatever state
  };
  Change change = Change::kNew;
  std::int64_t generation = 0;
  bool is_held = false;  // it belongs to another target than the one that was named
};

// What one answer may hold at most; one upload it holds in any case.
struct UploadLimit {
  std::uint64_t uploads = 0;
  std::uint64_t bytes = 0;
};

// A commit that is about to be sent, told well enough to be found in the repo if its answer is lost.
struct PushedFile {
  std::string path;
  std::string content;  // UploadFile::content()

  friend bool operator==(const PushedFile&, const PushedFile&) = default;
};

struct PushedUpload {
  std::string path;
  std::int64_t generation = 0;
  std::vector<PushedFile> files;  // by path

  friend bool operator==(const PushedUpload&, const PushedUpload&) = default;
};

struct Push {
  std::string id;  // random, of the caller
  UploadTarget target;
  std::string parent;  // the commit it is to be made on
  std::int64_t begun_s = 0;
  std::vector<PushedUpload> uploads;  // by path

  friend bool operator==(const Push&, const Push&) = default;
};

// Paths of uploads after their commit was made.
struct PushOutcome {
  std::vector<std::string> pushed;
  // Queued anew, or opened for writing, since they were queued: the files concerned are still ours and
  // still to be published.
  std::vector<std::string> changed;
};

struct UploadCount {
  std::uint64_t uploads = 0;
  std::uint64_t bytes = 0;

  friend bool operator==(const UploadCount&, const UploadCount&) = default;
};

struct UploadTotals {
  UploadCount queued;
  UploadCount uploading;
  UploadCount pushed;
  UploadCount superseded;
  UploadCount failed;
  UploadCount held;

  friend bool operator==(const UploadTotals&, const UploadTotals&) = default;
};

}  // namespace neffs::index
