// The front door of hub/: a repo on the Hub as its readers see it, in our own words.
// Another backend (another forge, Hub buckets) is another RemoteRepo and nothing else.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "hub/content_id.h"

namespace neffs::hub {

enum class EntryKind { kFile, kDirectory };

// One name in a tree of the repo. A plain value; nothing in `path` has been checked for safety.
struct RemoteEntry {
  std::string path;  // relative to the listed directory, '/' between components
  EntryKind kind = EntryKind::kFile;
  std::string oid;         // git's id: of the tree (directory), of the blob or LFS pointer (file)
  std::uint64_t size = 0;  // bytes of the real content; 0 for directories
  ContentId content;       // files only

  friend bool operator==(const RemoteEntry&, const RemoteEntry&) = default;
};

// A file that differs between two commits.
struct ChangedPath {
  std::string path;
  bool is_removed = false;

  friend bool operator==(const ChangedPath&, const ChangedPath&) = default;
};

struct RepoInfo {
  std::string id;      // canonical "namespace/name": renamed repos answer with the new one
  std::string commit;  // 40 hex: what the asked revision points to
  std::chrono::sys_seconds last_modified{};
  bool is_private = false;
  bool is_gated = false;
  bool is_disabled = false;
};

enum class ListDepth { kChildren, kEverything };

struct DownloadRequest {
  std::string commit;
  std::string path;                                // from the root of the repo
  std::uint64_t size = 0;                          // promised by the tree
  ContentId content;                               // promised by the tree
  std::chrono::milliseconds idle_timeout{60'000};  // no byte for so long, retries included: give up
  std::stop_token stop;                            // ends the download soon, with kCancelled
  std::function<void(std::uint64_t total_bytes)> on_progress;  // may be empty; any thread
};

// A repo at one endpoint and one revision (branch, tag or commit). Every call blocks until it is
// answered, may be made by any thread, retries by itself what the retry policy allows, and throws
// HubError. Nothing is cached here.
class RemoteRepo {
 public:
  virtual ~RemoteRepo() = default;

  // One API request. Learns the canonical id that all later requests use.
  virtual RepoInfo info() = 0;

  // The commit the revision points to now: one HEAD in the larger rate bucket.
  virtual std::string head() = 0;

  // The names below `directory` ("" is the root) at `commit`, all pages of them; nullopt if there is
  // no such directory at that commit. deadline: when to give up asking, kUnavailable then.
  virtual std::optional<std::vector<RemoteEntry>> list(
      const std::string& commit, const std::string& directory, ListDepth depth,
      std::chrono::steady_clock::time_point deadline) = 0;

  // What differs between two commits: one API request. nullopt where this Hub does not tell it, or not of
  // these two. deadline: as for list().
  virtual std::optional<std::vector<ChangedPath>> changes(
      const std::string& from, const std::string& to,
      std::chrono::steady_clock::time_point deadline) = 0;

  // The first `bytes` bytes of a file, or all of a shorter one, by one range request. They are not
  // checked against a content id. deadline: as for list().
  virtual std::string read_start(const std::string& commit, const std::string& path,
                                 std::size_t bytes,
                                 std::chrono::steady_clock::time_point deadline) = 0;

  // Writes the file to `fd` (empty, open for reading and writing, owned by the caller). Returns only
  // when it holds exactly the promised bytes, hash checked; on a throw its contents mean nothing.
  virtual void download(const DownloadRequest& request, int fd) = 0;
};

}  // namespace neffs::hub
