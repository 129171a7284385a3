// The objects of one repo as values that stay in memory once read: commits, trees, and what is to
// be known of a blob without its bytes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>

#include "tests/hub/git_store.h"
#include "tests/hub/lfs_store.h"

namespace neffs::test {

using TreePtr = std::shared_ptr<const Tree>;

struct BlobInfo {
  std::uint64_t git_size = 0;
  std::optional<LfsPointer> lfs;  // set if the blob is the pointer of a large file
};

// What a commit changes below one directory.
struct TreeEdit {
  std::map<std::string, TreeEdit> children;
  std::optional<TreeEntry> put;  // this very name becomes that file
  bool remove_file = false;
  bool remove_directory = false;

  // The edit of `path` ("a/b"), made if need be; components are taken as they are, ".." too.
  TreeEdit& at(std::string_view path);
};

// what(): the directory that would hold too many names.
struct DirectoryFull : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// One thread at a time. Unknown ids throw std::invalid_argument.
class RepoObjects {
 public:
  explicit RepoObjects(GitStore& git) : git_(git) {}

  Commit commit(const std::string& id);
  TreePtr tree(const std::string& id);
  BlobInfo blob(const std::string& id);
  std::string blob_bytes(const std::string& id);

  std::string put_commit(Commit commit);
  std::string put_tree(Tree tree);
  std::string put_blob(std::string_view bytes);

  // What `path` ("" is the tree itself) leads to below a tree.
  std::optional<TreeEntry> find(const std::string& tree_id, std::string_view path);

  // The id of the changed tree, "" if nothing is left in it: git has no empty directories.
  // tree_id "" is an empty tree. Deleting what is not there throws std::invalid_argument; a changed
  // directory of more than `most_entries` throws DirectoryFull.
  std::string apply(const std::string& tree_id, const TreeEdit& edit, std::size_t most_entries,
                    const std::string& where = "");

 private:
  std::string bytes_of(const std::string& id) const;

  GitStore& git_;
  std::unordered_map<std::string, Commit> commits_;
  std::unordered_map<std::string, TreePtr> trees_;
  std::unordered_map<std::string, BlobInfo> blobs_;
};

// "directory/name", or the name alone at the root.
std::string join_path(const std::string& directory, const std::string& name);

}  // namespace neffs::test
