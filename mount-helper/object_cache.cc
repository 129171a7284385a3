#include "mount-helper/object_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <system_error>

#include "hub/content_id.h"

namespace neffs::mount_helper {
namespace {

namespace stdfs = std::filesystem;

constexpr std::uint64_t kMostBytes = std::uint64_t{256} << 20;
constexpr const char* kFile = "objects";

std::string sha256_of(std::string_view text) {
  hub::ContentHasher hasher(hub::HashKind::kSha256, text.size());
  hasher.update(std::as_bytes(std::span(text.data(), text.size())));
  return hasher.finish().hex;
}

bool is_ours(stdfs::path path) {
  struct stat st {};
  while (::stat(path.c_str(), &st) != 0) {
    if (path == path.parent_path()) return false;
    path = path.parent_path();
  }
  return st.st_uid == ::geteuid();
}

// While others append, and while it is begun anew.
class FileLock {
 public:
  explicit FileLock(int fd) : fd_(fd), is_held_(::flock(fd, LOCK_EX) == 0) {}
  ~FileLock() {
    if (is_held_) ::flock(fd_, LOCK_UN);
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  bool is_held() const { return is_held_; }

 private:
  int fd_;
  bool is_held_;
};

// "KEY SIZE SHA256\n", the text, "\n".
struct Header {
  std::string key;
  std::uint64_t size = 0;
  std::string sha256;
};

std::optional<Header> parse_header(std::string_view line) {
  const auto first = line.find(' ');
  const auto second = line.find(' ', first == line.npos ? line.size() : first + 1);
  if (second == line.npos) return std::nullopt;
  Header header{std::string(line.substr(0, first)), 0, std::string(line.substr(second + 1))};
  const auto size = line.substr(first + 1, second - first - 1);
  const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), header.size);
  if (error != std::errc() || end != size.data() + size.size()) return std::nullopt;
  return header;
}

}  // namespace

stdfs::path user_cache_directory(const hub::Environment& environment) {
  const auto cache = environment.get("XDG_CACHE_HOME").value_or("~/.cache");
  return stdfs::path(environment.expand(cache)) / "neffs";
}

ObjectCache::ObjectCache(const stdfs::path& directory) {
  if (!directory.is_absolute() || !is_ours(directory)) return;
  std::error_code error;
  stdfs::create_directories(directory.parent_path(), error);
  ::mkdir(directory.c_str(), 0700);
  file_.reset(::open((directory / kFile).c_str(),
                     O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file_) return;
  const std::lock_guard lock(mutex_);
  read_new();
}

// Takes in what the file has more than is known, and returns how long it is as far as it is whole. With
// mutex_ held.
std::uint64_t ObjectCache::read_new() {
  const auto known = text_.size();
  struct stat st {};
  if (::fstat(file_.get(), &st) != 0) return known;
  text_.resize(std::max(known, static_cast<std::size_t>(st.st_size)));
  auto filled = known;
  while (filled < text_.size()) {
    const auto got = ::pread(file_.get(), text_.data() + filled, text_.size() - filled,
                             static_cast<off_t>(filled));
    if (got <= 0) break;
    filled += static_cast<std::size_t>(got);
  }
  text_.resize(filled);
  std::uint64_t at = known;
  for (;;) {
    const auto line = text_.find('\n', at);
    if (line == text_.npos) break;
    auto header = parse_header(std::string_view(text_).substr(at, line - at));
    if (!header || header->size >= text_.size() - line - 1 ||
        text_[line + 1 + header->size] != '\n')
      break;
    spans_[header->key] = {line + 1, header->size, std::move(header->sha256)};
    at = line + 1 + header->size + 1;
  }
  text_.resize(at);
  return at;
}

std::optional<std::string> ObjectCache::get(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = spans_.find(key);
  if (found == spans_.end()) return std::nullopt;
  auto text = text_.substr(found->second.begin, found->second.size);
  if (sha256_of(text) != found->second.sha256) return std::nullopt;
  return text;
}

void ObjectCache::put(const std::string& key, std::string_view text) {
  if (!file_) return;
  append(fmt::format("{} {} {}\n{}\n", key, text.size(), sha256_of(text), text));
}

void ObjectCache::append(const std::string& record) {
  const std::lock_guard lock(mutex_);
  const FileLock others(file_.get());
  if (!others.is_held()) return;
  struct stat st {};
  if (::fstat(file_.get(), &st) != 0) return;
  if (static_cast<std::uint64_t>(st.st_size) < text_.size() || text_.size() > kMostBytes) {
    if (text_.size() > kMostBytes && ::ftruncate(file_.get(), 0) != 0) return;
    text_.clear();  // somebody has begun it anew
    spans_.clear();
  }
  // What was cut off would make all that follows unreadable.
  const auto whole = read_new();
  if (::ftruncate(file_.get(), static_cast<off_t>(whole)) != 0) return;
  if (::write(file_.get(), record.data(), record.size()) == static_cast<ssize_t>(record.size()))
    read_new();
}

}  // namespace neffs::mount_helper
