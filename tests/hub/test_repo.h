// A repo of the test Hub: commits, trees and branches in a real git repository, large files beside
// it, and the switches the Hub has for a repo.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/hub/commit_turn.h"
#include "tests/hub/git_store.h"
#include "tests/hub/large_file_list.h"
#include "tests/hub/lfs_store.h"
#include "tests/hub/repo_objects.h"

namespace neffs::test {

struct RepoSettings {
  bool is_private = false;
  bool is_gated = false;     // readable, but its files only for tokens with a role in this repo
  bool is_disabled = false;  // 403 "Access to this resource is disabled."
  bool has_xet = true;       // large files carry an xetHash, as after the Hub's migration
};

// A file to be committed.
struct NewFile {
  NewFile(std::string path_in_repo, std::string bytes, std::optional<bool> as_lfs = {})
      : NewFile(std::move(path_in_repo), text_content(std::move(bytes)), as_lfs) {}
  NewFile(std::string path_in_repo, ContentPtr bytes, std::optional<bool> as_lfs = {})
      : path(std::move(path_in_repo)), content(std::move(bytes)), lfs(as_lfs) {}
  NewFile(std::string path_in_repo, LfsPointer large_file)
      : path(std::move(path_in_repo)), stored(std::move(large_file)) {}

  std::string path;
  ContentPtr content;
  std::optional<LfsPointer> stored;  // in place of `content`: the repo has its bytes already
  // Unset: as the Hub decides for a cache repo, LFS if it is binary or 10 MiB, never if empty.
  std::optional<bool> lfs;
};

struct CommitOptions {
  std::string branch = "main";  // or a full ref, "refs/pr/1"
  std::string message = "Update files";
  std::string author = "Tester <tester@example.com>";
  std::string expected_head;  // if set, HeadMoved is thrown if it is not the head
  std::size_t most_entries = std::numeric_limits<std::size_t>::max();  // of a directory it changes
};

// The branch is not where the commit wants it.
struct HeadMoved : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A file or directory at a commit, as the Hub's listings describe it.
struct RepoEntry {
  std::string path;  // from the root of the repo
  bool is_directory = false;
  std::string oid;                // of the tree, or of the blob or pointer blob
  std::uint64_t size = 0;         // of the real bytes; 0 for directories
  std::optional<LfsPointer> lfs;  // large files only
  std::uint64_t pointer_size = 0;
  std::string xet_hash;  // large files of repos with Xet only
};

struct FileChange {
  std::optional<RepoEntry> before;
  std::optional<RepoEntry> after;
};

struct CommitInfo {
  std::string id;
  Commit commit;
};

// Any thread may call. Mistakes of the test (an unknown branch, deleting what is not there) throw
// std::invalid_argument.
class TestRepo {
 public:
  using Clock = std::function<std::int64_t()>;  // Unix seconds, dates of new commits

  // Opens the repository at `dir` (none: it is in memory), or makes one with a first commit that
  // holds .gitattributes.
  TestRepo(std::string name, const std::optional<std::filesystem::path>& dir, LfsStore& lfs,
           Clock clock);

  // "namespace/name", as it is called now.
  std::string name() const;
  RepoSettings settings() const;
  void set_settings(const RepoSettings& settings);

  // Writing, at once, whatever commit is running over HTTP: the foreign writer of a test. A path in
  // `deletes` that ends in '/' is a directory. Returns the id of the commit.
  std::string commit(const std::vector<NewFile>& files,
                     const std::vector<std::string>& deletes = {},
                     const CommitOptions& options = {});
  // The right to run a commit of the Hub's API. As long as a test holds it, clients get 409.
  CommitTurn begin_commit();
  bool commit_is_running() const { return turns_.running(); }
  // The large file of that id, if it was uploaded to or committed in this very repo.
  std::optional<LfsPointer> large_file(const std::string& oid) const;
  void add_large_file(const LfsPointer& pointer);
  // Makes or moves a ref, given by its full name ("refs/heads/dev", "refs/tags/v1", "refs/pr/1").
  void set_ref(const std::string& ref, const std::string& revision);
  void delete_ref(const std::string& ref);
  // What super-squash does: one commit with the same tree; all other commits are unknown from now.
  std::string squash(const std::string& branch = "main");

  // Reading.
  std::string head(const std::string& branch = "main") const;
  // The commit of a branch, tag, ref or full commit id; nullopt if there is none.
  std::optional<std::string> resolve(const std::string& revision) const;
  std::map<std::string, std::string> refs() const;
  Commit commit_object(const std::string& commit) const;
  std::vector<CommitInfo> history(const std::string& commit) const;  // newest first
  // How many of the newest commits there are younger than `time`, Unix seconds.
  std::int64_t commits_since(const std::string& commit, std::int64_t time) const;
  // path "" is the root directory.
  std::optional<RepoEntry> find(const std::string& commit, const std::string& path) const;
  // What is below `directory`, in no order that means anything, as on the Hub; nullptr if there is
  // no such directory.
  using Listing = std::shared_ptr<const std::vector<RepoEntry>>;
  Listing list(const std::string& commit, const std::string& directory, bool recursive) const;
  std::vector<FileChange> diff(const std::string& before, const std::string& after) const;
  // The newest commit in the history of `commit` that changed `path`.
  CommitInfo last_change(const std::string& commit, const std::string& path) const;
  // The real bytes of a file, and what git holds of it (the pointer text of a large file).
  ContentPtr content(const RepoEntry& file) const;
  ContentPtr git_content(const RepoEntry& file) const;

  // Adds `name` to what the Hub lists in `directory`, as a copy of the existing file `like`, at
  // every commit: names no git tree can hold, for tests of hostile answers.
  void list_also(const std::string& directory, const std::string& name, const std::string& like);

  // Called by the Hub when it is renamed.
  void set_name(const std::string& name);

 private:
  // All of these expect mutex_ to be held.
  std::string put_file(const NewFile& file);
  std::string put_commit(const std::string& tree, std::vector<std::string> parents,
                         const CommitOptions& options);
  void move_ref(const std::string& ref, const std::string& commit);
  std::optional<TreeEntry> entry_at(const std::string& commit, const std::string& path) const;
  RepoEntry describe(const std::string& path, const TreeEntry& entry) const;
  void collect(const std::string& tree_id, const std::string& prefix, bool recursive,
               std::vector<RepoEntry>& out) const;
  void add_also_listed(const std::string& commit, const std::string& directory,
                       std::vector<RepoEntry>& entries) const;
  void collect_changes(const std::string& before, const std::string& after,
                       const std::string& prefix, std::vector<FileChange>& out) const;
  std::optional<std::string> resolve_locked(const std::string& revision) const;
  std::string require(const std::string& revision) const;
  void save_settings() const;
  void load_settings();

  const std::optional<std::filesystem::path> dir_;
  LfsStore& lfs_;
  const Clock clock_;

  mutable std::mutex mutex_;  // guards everything below
  std::string name_;
  RepoSettings settings_;
  GitStore git_;
  std::map<std::string, std::string> refs_;
  LargeFileList large_files_;
  CommitTurns turns_;
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> also_listed_;
  mutable RepoObjects objects_{git_};  // fills itself when it is asked
  // The last listing that was asked for: the next page of it usually comes next.
  mutable std::tuple<std::string, std::string, bool> listed_;
  mutable Listing listing_;
};

}  // namespace neffs::test
