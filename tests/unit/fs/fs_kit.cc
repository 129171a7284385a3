#include "tests/unit/fs/fs_kit.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <span>
#include <system_error>

namespace neffs::test {

// --- files ----------------------------------------------------------------------------------------

TempDirectory::TempDirectory() {
  auto name = (std::filesystem::temp_directory_path() / "neffs-fs-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) fs::throw_errno("mkdtemp");
  path_ = name;
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

fs::UniqueFd TempDirectory::open() const {
  fs::UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) fs::throw_errno("open");
  return fd;
}

void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << bytes;
  out.flush();
  if (!out) throw std::runtime_error("cannot write " + path.string());
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string read_fd(int fd) {
  std::string bytes;
  std::vector<char> buffer(4096);
  for (off_t at = 0;;) {
    const auto got = ::pread(fd, buffer.data(), buffer.size(), at);
    if (got < 0) fs::throw_errno("pread");
    if (got == 0) return bytes;
    bytes.append(buffer.data(), static_cast<std::size_t>(got));
    at += got;
  }
}

std::vector<std::string> tree_of(const std::filesystem::path& root) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    auto name = entry.path().lexically_relative(root).string();
    if (entry.is_directory() && !entry.is_symlink()) name += '/';
    names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

hub::ContentId content_of(const std::string& bytes) {
  hub::ContentHasher hasher(hub::HashKind::kGitBlobSha1, bytes.size());
  hasher.update(std::as_bytes(std::span(bytes)));
  return hasher.finish();
}

// --- gates ----------------------------------------------------------------------------------------

bool Gate::pass(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  ++waiting_;
  const bool opened = changed_.wait(lock, stop, [this] { return open_; });
  --waiting_;
  return opened;
}

void Gate::open() {
  {
    const std::lock_guard lock(mutex_);
    open_ = true;
  }
  changed_.notify_all();
}

void Gate::shut() {
  const std::lock_guard lock(mutex_);
  open_ = false;
}

std::size_t Gate::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

// --- the repo -------------------------------------------------------------------------------------

void throw_hub_error(hub::HubErrorKind kind) {
  throw hub::HubError(kind, "as the test says");
}

std::string FakeRepo::commit(Files files) {
  std::string text = "commit";
  for (const auto& [path, bytes] : files) text += path + '\n' + bytes + '\n';
  const std::lock_guard lock(mutex_);
  head_ = content_of(text + std::to_string(commits_.size())).hex;
  commits_[head_] = std::move(files);
  return head_;
}

void FakeRepo::on_call(std::function<void(const Call&)> hook) {
  const std::lock_guard lock(mutex_);
  hook_ = std::move(hook);
}

void FakeRepo::hold(std::function<bool(const Call&)> which) {
  gate_.shut();
  const std::lock_guard lock(mutex_);
  which_ = std::move(which);
}

void FakeRepo::release() {
  {
    const std::lock_guard lock(mutex_);
    which_ = nullptr;
  }
  gate_.open();
}

void FakeRepo::fail_with(std::optional<hub::HubErrorKind> kind) {
  if (!kind) return on_call({});
  on_call([kind](const Call&) { throw_hub_error(*kind); });
}

void FakeRepo::add_to_listing(const std::string& directory, hub::RemoteEntry entry) {
  const std::lock_guard lock(mutex_);
  added_[directory].push_back(std::move(entry));
}

std::size_t FakeRepo::count() const {
  const std::lock_guard lock(mutex_);
  return calls_.size();
}

std::size_t FakeRepo::count(Call::Kind kind) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(
      calls_.begin(), calls_.end(), [&](const Call& call) { return call.kind == kind; }));
}

std::size_t FakeRepo::count(Call::Kind kind, const std::string& path) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::count_if(calls_.begin(), calls_.end(),
                    [&](const Call& call) { return call.kind == kind && call.path == path; }));
}

std::vector<std::string> FakeRepo::log() const {
  static const char* const kNames[] = {"info", "head", "list", "changes", "read_start", "download"};
  const std::lock_guard lock(mutex_);
  std::vector<std::string> lines;
  for (const auto& call : calls_)
    lines.push_back(kNames[static_cast<int>(call.kind)] + (" " + call.path));
  return lines;
}

void FakeRepo::enter(Call call) {
  std::function<void(const Call&)> hook;
  bool is_held = false;
  {
    const std::lock_guard lock(mutex_);
    calls_.push_back(call);
    calls_.back().stop = {};
    hook = hook_;
    is_held = which_ && which_(call);
  }
  if (is_held) gate_.pass(call.stop);
  if (hook) hook(call);
}

FakeRepo::Files FakeRepo::files_at(const std::string& commit) const {
  const std::lock_guard lock(mutex_);
  const auto it = commits_.find(commit);
  if (it == commits_.end()) throw_hub_error(hub::HubErrorKind::kRevisionNotFound);
  return it->second;
}

hub::RepoInfo FakeRepo::info() {
  enter({Call::Kind::kInfo, {}, {}, {}});
  const std::lock_guard lock(mutex_);
  hub::RepoInfo info;
  info.id = "team/cache";
  info.commit = head_;
  info.last_modified = std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000));
  info.is_private = true;
  return info;
}

std::string FakeRepo::head() {
  enter({Call::Kind::kHead, {}, {}, {}});
  const std::lock_guard lock(mutex_);
  return head_;
}

std::optional<std::vector<hub::RemoteEntry>> FakeRepo::list(const std::string& commit,
                                                            const std::string& directory,
                                                            hub::ListDepth depth,
                                                            std::chrono::steady_clock::time_point) {
  enter({Call::Kind::kList, directory, depth, {}});
  const auto files = files_at(commit);
  const auto prefix = directory.empty() ? std::string() : directory + "/";
  std::vector<hub::RemoteEntry> entries;
  std::map<std::string, std::string> folders;  // path → what a git tree id would depend on
  for (const auto& [path, bytes] : files) {
    if (!path.starts_with(prefix)) continue;
    const auto inner = path.substr(prefix.size());
    const auto content = content_of(bytes);
    for (auto at = inner.find('/'); at != std::string::npos; at = inner.find('/', at + 1))
      folders[inner.substr(0, at)] += inner.substr(at) + content.hex;
    if (depth == hub::ListDepth::kEverything || inner.find('/') == std::string::npos)
      entries.push_back({inner, hub::EntryKind::kFile, content.hex, bytes.size(), content});
  }
  for (const auto& [path, text] : folders)
    if (depth == hub::ListDepth::kEverything || path.find('/') == std::string::npos)
      entries.push_back({path, hub::EntryKind::kDirectory, content_of(text).hex, 0, {}});
  const std::lock_guard lock(mutex_);
  if (const auto it = added_.find(directory); it != added_.end())
    entries.insert(entries.end(), it->second.begin(), it->second.end());
  if (entries.empty() && !directory.empty()) return std::nullopt;
  return entries;
}

std::optional<std::vector<hub::ChangedPath>> FakeRepo::changes(
    const std::string& from, const std::string& to, std::chrono::steady_clock::time_point) {
  enter({Call::Kind::kChanges, to, {}, {}});
  if (!tells_changes_) return std::nullopt;
  const auto before = files_at(from);
  const auto after = files_at(to);
  std::vector<hub::ChangedPath> changes;
  for (const auto& [path, bytes] : before)
    if (!after.contains(path)) changes.push_back({path, true});
  for (const auto& [path, bytes] : after)
    if (const auto it = before.find(path); it == before.end() || it->second != bytes)
      changes.push_back({path, false});
  return changes;
}

std::string FakeRepo::read_start(const std::string& commit, const std::string& path,
                                 std::size_t bytes, std::chrono::steady_clock::time_point) {
  enter({Call::Kind::kReadStart, path, {}, {}});
  const auto files = files_at(commit);
  const auto it = files.find(path);
  if (it == files.end()) throw_hub_error(hub::HubErrorKind::kEntryNotFound);
  return it->second.substr(0, bytes);
}

void FakeRepo::download(const hub::DownloadRequest& request, int fd) {
  enter({Call::Kind::kDownload, request.path, {}, request.stop});
  if (request.stop.stop_requested()) throw_hub_error(hub::HubErrorKind::kCancelled);
  const auto files = files_at(request.commit);
  const auto it = files.find(request.path);
  if (it == files.end()) throw_hub_error(hub::HubErrorKind::kEntryNotFound);
  if (content_of(it->second) != request.content || it->second.size() != request.size)
    throw_hub_error(hub::HubErrorKind::kCorrupt);
  for (std::size_t at = 0; at < it->second.size();) {
    const auto put = ::write(fd, it->second.data() + at, it->second.size() - at);
    if (put < 0) fs::throw_errno("write");
    at += static_cast<std::size_t>(put);
  }
}

FakeRepo::Files module_files(const std::string& module, const std::string& salt) {
  return {{module + "/compile_flags.json", "[\"--target=trn1\"]"},
          {module + "/model.hlo_module.pb", "hlo" + salt},
          {module + "/model.neff", std::string(3000, 'n') + module + salt},
          {module + "/model.done", ""}};
}

FakeRepo::Files operator+(FakeRepo::Files one, const FakeRepo::Files& other) {
  one.insert(other.begin(), other.end());
  return one;
}

std::unique_ptr<index::Index> open_index(const std::filesystem::path& directory) {
  index::OpenReport report;
  return index::Index::open(directory / "index.sqlite", report);
}

}  // namespace neffs::test
