// A bare git repository, written object by object: on disk, where git itself can read it (which is
// how the tests know that the ids are right), or in memory, which is what most tests need.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace neffs::test {

// What a name in a git tree points to.
struct TreeEntry {
  bool is_directory = false;
  std::string id;  // 40 hex: of the tree, or of the blob

  friend bool operator==(const TreeEntry&, const TreeEntry&) = default;
};

// By name, in byte order; git's own order is made when a tree is written.
using Tree = std::map<std::string, TreeEntry>;

struct Commit {
  std::string tree;
  std::vector<std::string> parents;
  std::string author;     // "Name <mail>"
  std::int64_t time = 0;  // Unix seconds, UTC
  std::string message;
};

enum class ObjectType { kBlob, kTree, kCommit };

// The id git gives to these bytes: SHA-1 of "<type> <length>\0<bytes>".
std::string git_id(ObjectType type, std::string_view bytes);

// The bytes of a tree or commit object, and back. Parsing throws std::runtime_error.
std::string tree_bytes(const Tree& tree);
Tree parse_tree(std::string_view bytes);
std::string commit_bytes(const Commit& commit);
Commit parse_commit(std::string_view bytes);

// One thread at a time. Throws std::runtime_error or std::filesystem::filesystem_error.
class GitStore {
 public:
  // Opens the bare repository at `dir`, or makes one; without a directory it is in memory.
  explicit GitStore(std::optional<std::filesystem::path> dir);

  // Stores an object unless it is there already; returns its id.
  std::string write(ObjectType type, std::string_view bytes);
  // The bytes of an object; nullopt if there is none with that id.
  std::optional<std::string> read(const std::string& id) const;

  // Full names ("refs/heads/main") and what they point to.
  std::map<std::string, std::string> refs() const;
  void set_ref(const std::string& name, const std::string& id);
  void delete_ref(const std::string& name);

 private:
  std::filesystem::path object_path(const std::string& id) const;
  void write_object(const std::string& id, const std::string& object) const;

  const std::optional<std::filesystem::path> dir_;
  // Without a directory: objects by id, without their headers, and refs.
  std::unordered_map<std::string, std::string> objects_;
  std::map<std::string, std::string> refs_;
};

}  // namespace neffs::test
