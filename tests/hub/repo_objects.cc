#include "tests/hub/repo_objects.h"

#include <utility>

namespace neffs::test {
namespace {

void require_deletable(const TreeEdit& edit, bool is_file, bool is_directory,
                       const std::string& path) {
  if ((edit.remove_file && !is_file) || (edit.remove_directory && !is_directory)) {
    throw std::invalid_argument("nothing to delete at " + path);
  }
}

}  // namespace

TreeEdit& TreeEdit::at(std::string_view path) {
  const std::size_t slash = path.find('/');
  TreeEdit& child = children[std::string(path.substr(0, slash))];
  return slash == std::string_view::npos ? child : child.at(path.substr(slash + 1));
}

Commit RepoObjects::commit(const std::string& id) {
  const auto found = commits_.find(id);
  if (found != commits_.end()) return found->second;
  return commits_.emplace(id, parse_commit(bytes_of(id))).first->second;
}

TreePtr RepoObjects::tree(const std::string& id) {
  const auto found = trees_.find(id);
  if (found != trees_.end()) return found->second;
  return trees_.emplace(id, std::make_shared<const Tree>(parse_tree(bytes_of(id)))).first->second;
}

BlobInfo RepoObjects::blob(const std::string& id) {
  const auto found = blobs_.find(id);
  if (found != blobs_.end()) return found->second;
  const std::string bytes = bytes_of(id);
  return blobs_.emplace(id, BlobInfo{bytes.size(), parse_pointer(bytes)}).first->second;
}

std::string RepoObjects::blob_bytes(const std::string& id) {
  return bytes_of(id);
}

std::string RepoObjects::put_commit(Commit commit) {
  std::string id = git_.write(ObjectType::kCommit, commit_bytes(commit));
  commits_[id] = std::move(commit);
  return id;
}

std::string RepoObjects::put_tree(Tree tree) {
  std::string id = git_.write(ObjectType::kTree, tree_bytes(tree));
  trees_[id] = std::make_shared<const Tree>(std::move(tree));
  return id;
}

std::string RepoObjects::put_blob(std::string_view bytes) {
  std::string id = git_.write(ObjectType::kBlob, bytes);
  blobs_.emplace(id, BlobInfo{bytes.size(), parse_pointer(bytes)});
  return id;
}

std::optional<TreeEntry> RepoObjects::find(const std::string& tree_id, std::string_view path) {
  TreeEntry entry{true, tree_id};
  while (!path.empty()) {
    if (!entry.is_directory) return std::nullopt;
    const std::size_t slash = path.find('/');
    const TreePtr here = tree(entry.id);
    const auto found = here->find(std::string(path.substr(0, slash)));
    if (found == here->end()) return std::nullopt;
    entry = found->second;
    path = slash == std::string_view::npos ? "" : path.substr(slash + 1);
  }
  return entry;
}

std::string RepoObjects::apply(const std::string& tree_id, const TreeEdit& edit,
                               std::size_t most_entries, const std::string& where) {
  Tree result = tree_id.empty() ? Tree{} : *tree(tree_id);
  for (const auto& [name, change] : edit.children) {
    const std::string path = join_path(where, name);
    const auto old = result.find(name);
    const bool is_directory = old != result.end() && old->second.is_directory;
    require_deletable(change, old != result.end() && !is_directory, is_directory, path);
    if (change.put) {
      result[name] = *change.put;
      continue;
    }
    const bool keep_old = is_directory && !change.remove_directory;
    const std::string below = apply(keep_old ? old->second.id : "", change, most_entries, path);
    if (below.empty()) {
      result.erase(name);
    } else {
      result[name] = TreeEntry{true, below};
    }
  }
  if (result.size() > most_entries) throw DirectoryFull(where);
  return result.empty() ? "" : put_tree(std::move(result));
}

std::string RepoObjects::bytes_of(const std::string& id) const {
  std::optional<std::string> bytes = git_.read(id);
  if (!bytes) throw std::invalid_argument("no object " + id);
  return std::move(*bytes);
}

std::string join_path(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

}  // namespace neffs::test
