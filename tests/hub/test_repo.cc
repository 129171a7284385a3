#include "tests/hub/test_repo.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "tests/hub/digest.h"

namespace neffs::test {
namespace {

constexpr std::uint64_t kGitFileLimit = 10 * 1024 * 1024;
constexpr std::string_view kGitAttributes =
    "*.neff filter=lfs diff=lfs merge=lfs -text\n"
    "*.bin filter=lfs diff=lfs merge=lfs -text\n"
    "*.safetensors filter=lfs diff=lfs merge=lfs -text\n";

bool is_binary(const Content& content) {
  std::string start(std::min<std::uint64_t>(content.size(), 512), '\0');
  content.read(0, start);
  return start.find('\0') != std::string::npos;
}

bool belongs_in_lfs(const NewFile& file) {
  if (file.content->size() == 0) return false;
  return file.lfs.value_or(file.content->size() >= kGitFileLimit || is_binary(*file.content));
}

// Not a hash that Xet would compute (nothing here checks one): a stable stand-in that differs from
// the SHA-256, so that a client which mixes the two up is found out.
std::string xet_hash_of(const LfsPointer& pointer) {
  return digest_hex(DigestKind::kSha256, "xet " + pointer.oid);
}

std::string join(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

}  // namespace

// What a commit changes below one directory.
struct TestRepo::Edit {
  std::map<std::string, Edit> children;
  std::optional<TreeEntry> put;  // this very name becomes that file
  bool remove_file = false;
  bool remove_directory = false;

  // The node of `path` ("a/b"); components are taken as they are, ".." too.
  Edit& at(std::string_view path) {
    const std::size_t slash = path.find('/');
    Edit& child = children[std::string(path.substr(0, slash))];
    return slash == std::string_view::npos ? child : child.at(path.substr(slash + 1));
  }
};

TestRepo::TestRepo(std::string name, const std::optional<std::filesystem::path>& dir, LfsStore& lfs,
                   Clock clock)
    : dir_(dir), lfs_(lfs), clock_(std::move(clock)), name_(std::move(name)), git_(dir) {
  refs_ = git_.refs();
  load_settings();
  if (refs_.empty()) {
    CommitOptions first;
    first.message = "initial commit";
    commit({{".gitattributes", std::string(kGitAttributes), false}}, {}, first);
  }
}

std::string TestRepo::name() const {
  const std::scoped_lock lock(mutex_);
  return name_;
}

RepoSettings TestRepo::settings() const {
  const std::scoped_lock lock(mutex_);
  return settings_;
}

void TestRepo::set_settings(const RepoSettings& settings) {
  const std::scoped_lock lock(mutex_);
  settings_ = settings;
  save_settings();
}

void TestRepo::set_name(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  name_ = name;
}

std::string TestRepo::commit(const std::vector<NewFile>& files,
                             const std::vector<std::string>& deletes,
                             const CommitOptions& options) {
  const std::scoped_lock lock(mutex_);
  Edit edit;
  for (std::string path : deletes) {
    const bool directory = path.ends_with('/');
    if (directory) path.pop_back();
    Edit& node = edit.at(path);
    (directory ? node.remove_directory : node.remove_file) = true;
  }
  for (const NewFile& file : files) edit.at(file.path).put = TreeEntry{false, store_file(file)};

  const std::string ref = "refs/heads/" + options.branch;
  const auto parent = refs_.find(ref);
  if (parent == refs_.end() && !refs_.empty()) {
    throw std::invalid_argument("no branch " + options.branch);
  }
  const bool first = parent == refs_.end();
  std::string tree = apply(first ? "" : load_commit(parent->second).tree, edit, "");
  if (tree.empty()) tree = store_tree({});
  const std::string id =
      store_commit(tree, first ? std::vector<std::string>{} : std::vector{parent->second}, options);
  git_.set_ref(ref, id);
  refs_[ref] = id;
  return id;
}

void TestRepo::set_ref(const std::string& ref, const std::string& revision) {
  const std::scoped_lock lock(mutex_);
  const std::string commit = require(revision);
  git_.set_ref(ref, commit);
  refs_[ref] = commit;
}

void TestRepo::delete_ref(const std::string& ref) {
  const std::scoped_lock lock(mutex_);
  if (refs_.erase(ref) == 0) throw std::invalid_argument("no ref " + ref);
  git_.delete_ref(ref);
}

std::string TestRepo::squash(const std::string& branch) {
  const std::scoped_lock lock(mutex_);
  CommitOptions options;
  options.message = "Super-squash branch '" + branch + "'";
  const std::string id = store_commit(load_commit(require(branch)).tree, {}, options);
  const std::string ref = "refs/heads/" + branch;
  git_.set_ref(ref, id);
  refs_[ref] = id;
  return id;
}

std::string TestRepo::head(const std::string& branch) const {
  const std::scoped_lock lock(mutex_);
  return require("refs/heads/" + branch);
}

std::optional<std::string> TestRepo::resolve(const std::string& revision) const {
  const std::scoped_lock lock(mutex_);
  return resolve_locked(revision);
}

std::map<std::string, std::string> TestRepo::refs() const {
  const std::scoped_lock lock(mutex_);
  return refs_;
}

Commit TestRepo::commit_object(const std::string& commit) const {
  const std::scoped_lock lock(mutex_);
  return load_commit(commit);
}

std::vector<CommitInfo> TestRepo::history(const std::string& commit) const {
  const std::scoped_lock lock(mutex_);
  std::vector<CommitInfo> history;
  for (std::string id = commit; !id.empty();) {
    history.push_back({id, load_commit(id)});
    const auto& parents = history.back().commit.parents;
    id = parents.empty() ? "" : parents.front();
  }
  return history;
}

std::optional<RepoEntry> TestRepo::find(const std::string& commit, const std::string& path) const {
  const std::scoped_lock lock(mutex_);
  const std::optional<TreeEntry> entry = entry_at(commit, path);
  if (!entry) return std::nullopt;
  return describe(path, *entry);
}

std::optional<std::vector<RepoEntry>> TestRepo::list(const std::string& commit,
                                                     const std::string& directory,
                                                     bool recursive) const {
  const std::scoped_lock lock(mutex_);
  const std::optional<TreeEntry> top = entry_at(commit, directory);
  if (!top || !top->is_directory) return std::nullopt;
  std::vector<RepoEntry> entries;
  collect(top->id, directory, recursive, entries);
  const auto also = also_listed_.find(directory);
  if (also == also_listed_.end()) return entries;
  for (const auto& [name, like] : also->second) {
    const std::optional<TreeEntry> model = entry_at(commit, like);
    if (model) entries.push_back(describe(join(directory, name), *model));
  }
  return entries;
}

std::vector<FileChange> TestRepo::diff(const std::string& before, const std::string& after) const {
  const std::scoped_lock lock(mutex_);
  std::vector<FileChange> changes;
  collect_changes(load_commit(before).tree, load_commit(after).tree, "", changes);
  return changes;
}

CommitInfo TestRepo::last_change(const std::string& commit, const std::string& path) const {
  const std::scoped_lock lock(mutex_);
  std::string id = commit;
  for (;;) {
    const Commit here = load_commit(id);
    if (here.parents.empty() || entry_at(here.parents.front(), path) != entry_at(id, path)) {
      return {id, here};
    }
    id = here.parents.front();
  }
}

ContentPtr TestRepo::content(const RepoEntry& file) const {
  if (!file.lfs) return git_content(file);
  ContentPtr content = lfs_.get(file.lfs->oid);
  if (!content) throw std::runtime_error("no large file " + file.lfs->oid);
  return content;
}

ContentPtr TestRepo::git_content(const RepoEntry& file) const {
  const std::scoped_lock lock(mutex_);
  std::optional<std::string> bytes = git_.read(file.oid);
  if (!bytes) throw std::runtime_error("no blob " + file.oid);
  return text_content(std::move(*bytes));
}

void TestRepo::list_also(const std::string& directory, const std::string& name,
                         const std::string& like) {
  const std::scoped_lock lock(mutex_);
  also_listed_[directory].emplace_back(name, like);
}

TestRepo::TreePtr TestRepo::tree(const std::string& id) const {
  TreePtr& kept = trees_[id];
  if (!kept) {
    const std::optional<std::string> bytes = git_.read(id);
    if (!bytes) throw std::runtime_error("no tree " + id);
    kept = std::make_shared<const Tree>(parse_tree(*bytes));
  }
  return kept;
}

const TestRepo::BlobInfo& TestRepo::blob_info(const std::string& id) const {
  const auto found = blobs_.find(id);
  if (found != blobs_.end()) return found->second;
  const std::optional<std::string> bytes = git_.read(id);
  if (!bytes) throw std::runtime_error("no blob " + id);
  return blobs_.emplace(id, BlobInfo{bytes->size(), parse_pointer(*bytes)}).first->second;
}

std::string TestRepo::store_tree(Tree tree) {
  std::string id = git_.write(ObjectType::kTree, tree_bytes(tree));
  trees_[id] = std::make_shared<const Tree>(std::move(tree));
  return id;
}

std::string TestRepo::store_file(const NewFile& file) {
  std::optional<LfsPointer> lfs;
  if (belongs_in_lfs(file)) lfs = lfs_.put(file.content);
  const std::string bytes = lfs ? pointer_text(*lfs) : read_all(*file.content);
  std::string id = git_.write(ObjectType::kBlob, bytes);
  blobs_.emplace(id, BlobInfo{bytes.size(), lfs});
  return id;
}

std::string TestRepo::store_commit(const std::string& tree, std::vector<std::string> parents,
                                   const CommitOptions& options) {
  Commit commit{tree, std::move(parents), options.author, clock_(), options.message};
  std::string id = git_.write(ObjectType::kCommit, commit_bytes(commit));
  commits_[id] = std::move(commit);
  return id;
}

// Returns the id of the changed tree, "" if nothing is left in it: git has no empty directories.
std::string TestRepo::apply(const std::string& tree_id, const Edit& edit,
                            const std::string& where) {
  Tree result = tree_id.empty() ? Tree{} : *tree(tree_id);
  for (const auto& [name, change] : edit.children) {
    const auto old = result.find(name);
    const bool is_file = old != result.end() && !old->second.is_directory;
    const bool is_directory = old != result.end() && old->second.is_directory;
    if ((change.remove_file && !is_file) || (change.remove_directory && !is_directory)) {
      throw std::invalid_argument("nothing to delete at " + join(where, name));
    }
    if (change.put) {
      result[name] = *change.put;
      continue;
    }
    const bool keep_old = is_directory && !change.remove_directory;
    const std::string below = apply(keep_old ? old->second.id : "", change, join(where, name));
    if (below.empty()) {
      result.erase(name);
    } else {
      result[name] = TreeEntry{true, below};
    }
  }
  return result.empty() ? "" : store_tree(std::move(result));
}

std::optional<TreeEntry> TestRepo::entry_at(const std::string& commit,
                                            const std::string& path) const {
  TreeEntry entry{true, load_commit(commit).tree};
  for (std::string_view rest = path; !rest.empty();) {
    if (!entry.is_directory) return std::nullopt;
    const std::size_t slash = rest.find('/');
    const TreePtr here = tree(entry.id);
    const auto found = here->find(std::string(rest.substr(0, slash)));
    if (found == here->end()) return std::nullopt;
    entry = found->second;
    rest = slash == std::string_view::npos ? "" : rest.substr(slash + 1);
  }
  return entry;
}

RepoEntry TestRepo::describe(const std::string& path, const TreeEntry& entry) const {
  RepoEntry described;
  described.path = path;
  described.is_directory = entry.is_directory;
  described.oid = entry.id;
  if (entry.is_directory) return described;
  const BlobInfo& blob = blob_info(entry.id);
  described.lfs = blob.lfs;
  described.size = blob.lfs ? blob.lfs->size : blob.git_size;
  if (blob.lfs) {
    described.pointer_size = blob.git_size;
    if (settings_.has_xet) described.xet_hash = xet_hash_of(*blob.lfs);
  }
  return described;
}

void TestRepo::collect(const std::string& tree_id, const std::string& prefix, bool recursive,
                       std::vector<RepoEntry>& out) const {
  const TreePtr here = tree(tree_id);
  for (const auto& [name, entry] : *here) {
    const std::string path = join(prefix, name);
    out.push_back(describe(path, entry));
    if (recursive && entry.is_directory) collect(entry.id, path, recursive, out);
  }
}

void TestRepo::collect_changes(const std::string& before, const std::string& after,
                               const std::string& prefix, std::vector<FileChange>& out) const {
  if (before == after) return;
  const TreePtr old_tree = before.empty() ? std::make_shared<const Tree>() : tree(before);
  const TreePtr new_tree = after.empty() ? std::make_shared<const Tree>() : tree(after);
  std::set<std::string> names;
  for (const auto& item : *old_tree) names.insert(item.first);
  for (const auto& item : *new_tree) names.insert(item.first);
  for (const std::string& name : names) {
    const auto old_item = old_tree->find(name);
    const auto new_item = new_tree->find(name);
    const TreeEntry* was = old_item == old_tree->end() ? nullptr : &old_item->second;
    const TreeEntry* is = new_item == new_tree->end() ? nullptr : &new_item->second;
    if (was && is && *was == *is) continue;
    const std::string path = join(prefix, name);
    collect_changes(was && was->is_directory ? was->id : "", is && is->is_directory ? is->id : "",
                    path, out);
    FileChange change;
    if (was && !was->is_directory) change.before = describe(path, *was);
    if (is && !is->is_directory) change.after = describe(path, *is);
    if (change.before || change.after) out.push_back(std::move(change));
  }
}

Commit TestRepo::load_commit(const std::string& id) const {
  const auto found = commits_.find(id);
  if (found != commits_.end()) return found->second;
  const std::optional<std::string> bytes = git_.read(id);
  if (!bytes) throw std::invalid_argument("no commit " + id);
  return commits_.emplace(id, parse_commit(*bytes)).first->second;
}

std::optional<std::string> TestRepo::resolve_locked(const std::string& revision) const {
  if (revision == "HEAD") return resolve_locked("refs/heads/main");
  for (const char* prefix : {"refs/heads/", "refs/tags/", ""}) {
    const auto found = refs_.find(prefix + revision);
    if (found != refs_.end()) return found->second;
  }
  // A commit counts as long as some ref leads to it.
  for (const auto& ref : refs_) {
    for (std::string id = ref.second; !id.empty();) {
      if (id == revision) return id;
      const Commit commit = load_commit(id);
      id = commit.parents.empty() ? "" : commit.parents.front();
    }
  }
  return std::nullopt;
}

std::string TestRepo::require(const std::string& revision) const {
  std::optional<std::string> commit = resolve_locked(revision);
  if (!commit) throw std::invalid_argument("no revision " + revision);
  return *commit;
}

void TestRepo::save_settings() const {
  if (!dir_) return;
  const nlohmann::json json = {{"private", settings_.is_private},
                               {"gated", settings_.is_gated},
                               {"disabled", settings_.is_disabled},
                               {"xet", settings_.has_xet}};
  std::ofstream(*dir_ / "hub-settings.json") << json;
}

void TestRepo::load_settings() {
  if (!dir_) return;
  std::ifstream in(*dir_ / "hub-settings.json");
  if (!in) return;
  const nlohmann::json json = nlohmann::json::parse(in);
  settings_ = {json.at("private"), json.at("gated"), json.at("disabled"), json.at("xet")};
}

}  // namespace neffs::test
