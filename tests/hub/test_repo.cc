#include "tests/hub/test_repo.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "tests/hub/digest.h"

namespace neffs::test {
namespace {

constexpr std::uint64_t kGitFileLimit = 10U << 20U;
// What a new repo tracks; nothing of Neuron is among it.
constexpr std::string_view kTrackedAtFirst[] = {
    "*.7z",    "*.bin", "*.ckpt", "*.gz",          "*.h5",
    "*.model", "*.npy", "*.npz",  "*.onnx",        "*.pb",
    "*.pkl",   "*.pt",  "*.pth",  "*.safetensors", "saved_model/**/*",
    "*.tar",   "*.xz",  "*.zip",  "*.zst",         "*tfevents*"};

std::string first_git_attributes() {
  std::string text;
  for (const std::string_view pattern : kTrackedAtFirst) {
    text += std::string(pattern) + " filter=lfs diff=lfs merge=lfs -text\n";
  }
  return text;
}

bool belongs_in_lfs(const NewFile& file) {
  if (file.content->size() == 0) return false;
  return file.lfs.value_or(file.content->size() >= kGitFileLimit ||
                           looks_binary(sample_of(*file.content)));
}

std::optional<std::filesystem::path> beside(const std::optional<std::filesystem::path>& dir,
                                            const char* name) {
  return dir ? std::optional(*dir / name) : std::nullopt;
}

std::string full_ref(const std::string& branch) {
  return branch.starts_with("refs/") ? branch : "refs/heads/" + branch;
}

// Not a hash that Xet would compute (nothing here checks one): a stable stand-in that differs from
// the SHA-256, so that a client which mixes the two up is found out.
std::string xet_hash_of(const LfsPointer& pointer) {
  return digest_hex(DigestKind::kSha256, "xet " + pointer.oid);
}

}  // namespace

TestRepo::TestRepo(std::string name, const std::optional<std::filesystem::path>& dir, LfsStore& lfs,
                   Clock clock)
    : dir_(dir),
      lfs_(lfs),
      clock_(std::move(clock)),
      name_(std::move(name)),
      git_(dir),
      large_files_(beside(dir, "hub-large-files")) {
  refs_ = git_.refs();
  load_settings();
  if (refs_.empty()) {
    CommitOptions first;
    first.message = "initial commit";
    first.author = "system <system@example.com>";
    commit({{".gitattributes", first_git_attributes(), false}}, {}, first);
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
  listing_ = nullptr;
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
  TreeEdit edit;
  for (std::string path : deletes) {
    const bool directory = path.ends_with('/');
    if (directory) path.pop_back();
    TreeEdit& node = edit.at(path);
    (directory ? node.remove_directory : node.remove_file) = true;
  }
  for (const NewFile& file : files) edit.at(file.path).put = TreeEntry{false, put_file(file)};

  const std::string ref = full_ref(options.branch);
  const auto parent = refs_.find(ref);
  if (!options.expected_head.empty() &&
      (parent == refs_.end() || parent->second != options.expected_head)) {
    throw HeadMoved("the head of " + ref + " is not " + options.expected_head);
  }
  if (parent == refs_.end() && !refs_.empty()) {
    throw std::invalid_argument("no branch " + options.branch);
  }
  const bool first = parent == refs_.end();
  std::string tree =
      objects_.apply(first ? "" : objects_.commit(parent->second).tree, edit, options.most_entries);
  if (tree.empty()) tree = objects_.put_tree({});
  std::string id =
      put_commit(tree, first ? std::vector<std::string>{} : std::vector{parent->second}, options);
  move_ref(ref, id);
  return id;
}

CommitTurn TestRepo::begin_commit() {
  return turns_.begin();
}

std::optional<LfsPointer> TestRepo::large_file(const std::string& oid) const {
  const std::scoped_lock lock(mutex_);
  return large_files_.find(oid);
}

void TestRepo::add_large_file(const LfsPointer& pointer) {
  const std::scoped_lock lock(mutex_);
  large_files_.add(pointer);
}

void TestRepo::set_ref(const std::string& ref, const std::string& revision) {
  const std::scoped_lock lock(mutex_);
  const std::string commit = require(revision);
  move_ref(ref, commit);
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
  std::string id = put_commit(objects_.commit(require(branch)).tree, {}, options);
  const std::string ref = "refs/heads/" + branch;
  move_ref(ref, id);
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
  return objects_.commit(commit);
}

std::vector<CommitInfo> TestRepo::history(const std::string& commit) const {
  const std::scoped_lock lock(mutex_);
  std::vector<CommitInfo> history;
  for (std::string id = commit; !id.empty();) {
    history.push_back({id, objects_.commit(id)});
    const auto& parents = history.back().commit.parents;
    id = parents.empty() ? "" : parents.front();
  }
  return history;
}

std::int64_t TestRepo::commits_since(const std::string& commit, std::int64_t time) const {
  const std::scoped_lock lock(mutex_);
  std::int64_t count = 0;
  for (std::string id = commit; !id.empty(); ++count) {
    const Commit here = objects_.commit(id);
    if (here.time <= time) break;
    id = here.parents.empty() ? "" : here.parents.front();
  }
  return count;
}

std::optional<RepoEntry> TestRepo::find(const std::string& commit, const std::string& path) const {
  const std::scoped_lock lock(mutex_);
  const std::optional<TreeEntry> entry = entry_at(commit, path);
  if (!entry) return std::nullopt;
  return describe(path, *entry);
}

TestRepo::Listing TestRepo::list(const std::string& commit, const std::string& directory,
                                 bool recursive) const {
  const std::scoped_lock lock(mutex_);
  const auto wanted = std::tuple(commit, directory, recursive);
  if (listing_ && listed_ == wanted) return listing_;
  const std::optional<TreeEntry> top = entry_at(commit, directory);
  if (!top || !top->is_directory) return nullptr;
  std::vector<RepoEntry> entries;
  collect(top->id, directory, recursive, entries);
  add_also_listed(commit, directory, entries);
  std::sort(entries.begin(), entries.end(), [](const RepoEntry& a, const RepoEntry& b) {
    return std::tie(a.oid, a.path) < std::tie(b.oid, b.path);
  });
  listed_ = wanted;
  listing_ = std::make_shared<const std::vector<RepoEntry>>(std::move(entries));
  return listing_;
}

std::vector<FileChange> TestRepo::diff(const std::string& before, const std::string& after) const {
  const std::scoped_lock lock(mutex_);
  std::vector<FileChange> changes;
  collect_changes(objects_.commit(before).tree, objects_.commit(after).tree, "", changes);
  return changes;
}

CommitInfo TestRepo::last_change(const std::string& commit, const std::string& path) const {
  const std::scoped_lock lock(mutex_);
  std::string id = commit;
  for (;;) {
    const Commit here = objects_.commit(id);
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
  return text_content(objects_.blob_bytes(file.oid));
}

void TestRepo::list_also(const std::string& directory, const std::string& name,
                         const std::string& like) {
  const std::scoped_lock lock(mutex_);
  also_listed_[directory].emplace_back(name, like);
  listing_ = nullptr;
}

void TestRepo::add_also_listed(const std::string& commit, const std::string& directory,
                               std::vector<RepoEntry>& entries) const {
  const auto also = also_listed_.find(directory);
  if (also == also_listed_.end()) return;
  for (const auto& [name, like] : also->second) {
    const std::optional<TreeEntry> model = entry_at(commit, like);
    if (model) entries.push_back(describe(join_path(directory, name), *model));
  }
}

std::string TestRepo::put_file(const NewFile& file) {
  if (!file.stored && !belongs_in_lfs(file)) return objects_.put_blob(read_all(*file.content));
  const LfsPointer pointer = file.stored ? *file.stored : lfs_.put(file.content);
  large_files_.add(pointer);
  return objects_.put_blob(pointer_text(pointer));
}

std::string TestRepo::put_commit(const std::string& tree, std::vector<std::string> parents,
                                 const CommitOptions& options) {
  return objects_.put_commit({tree, std::move(parents), options.author, clock_(), options.message});
}

void TestRepo::move_ref(const std::string& ref, const std::string& commit) {
  git_.set_ref(ref, commit);
  refs_[ref] = commit;
}

std::optional<TreeEntry> TestRepo::entry_at(const std::string& commit,
                                            const std::string& path) const {
  return objects_.find(objects_.commit(commit).tree, path);
}

RepoEntry TestRepo::describe(const std::string& path, const TreeEntry& entry) const {
  RepoEntry described;
  described.path = path;
  described.is_directory = entry.is_directory;
  described.oid = entry.id;
  if (entry.is_directory) return described;
  const BlobInfo blob = objects_.blob(entry.id);
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
  const TreePtr here = objects_.tree(tree_id);
  for (const auto& [name, entry] : *here) {
    const std::string path = join_path(prefix, name);
    out.push_back(describe(path, entry));
    if (recursive && entry.is_directory) collect(entry.id, path, recursive, out);
  }
}

void TestRepo::collect_changes(const std::string& before, const std::string& after,
                               const std::string& prefix, std::vector<FileChange>& out) const {
  if (before == after) return;
  const TreePtr old_tree = before.empty() ? std::make_shared<const Tree>() : objects_.tree(before);
  const TreePtr new_tree = after.empty() ? std::make_shared<const Tree>() : objects_.tree(after);
  std::set<std::string> names;
  for (const auto& item : *old_tree) names.insert(item.first);
  for (const auto& item : *new_tree) names.insert(item.first);
  for (const std::string& name : names) {
    const auto old_item = old_tree->find(name);
    const auto new_item = new_tree->find(name);
    const TreeEntry* was = old_item == old_tree->end() ? nullptr : &old_item->second;
    const TreeEntry* is = new_item == new_tree->end() ? nullptr : &new_item->second;
    if (was && is && *was == *is) continue;
    const std::string path = join_path(prefix, name);
    collect_changes(was && was->is_directory ? was->id : "", is && is->is_directory ? is->id : "",
                    path, out);
    FileChange change;
    if (was && !was->is_directory) change.before = describe(path, *was);
    if (is && !is->is_directory) change.after = describe(path, *is);
    if (change.before || change.after) out.push_back(std::move(change));
  }
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
      const Commit commit = objects_.commit(id);
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
