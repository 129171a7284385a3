#include "tests/exercise/tree.h"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "tests/exercise/known_differences.h"
#include "tests/exercise/pattern.h"
#include "tests/mount/files.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;

constexpr time_t kSetByHand = 1'000'000'000;  // the generator sets times before this
constexpr std::size_t kMostLines = 12;

const char* type_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "file";
    case S_IFDIR:
      return "directory";
    case S_IFLNK:
      return "symlink";
    case S_IFIFO:
      return "fifo";
    case S_IFSOCK:
      return "socket";
    default:
      return "device";
  }
}

std::string time_of(const timespec& time) {
  return time.tv_sec < kSetByHand ? fmt::format("{}.{:09}", time.tv_sec, time.tv_nsec) : "now";
}

std::string target_of(const std::string& path, const std::string& root) {
  std::array<char, 4096> target{};
  const auto size = ::readlink(path.c_str(), target.data(), target.size());
  if (size < 0) return std::strerror(errno);
  return with_root_named({target.data(), static_cast<std::size_t>(size)}, root);
}

std::string content_of(const std::string& path, const struct stat& st, const std::string& root) {
  if (S_ISLNK(st.st_mode)) return " -> " + target_of(path, root);
  if (!S_ISREG(st.st_mode)) return "";
  const Bytes bytes = read_file(path);
  return bytes.error != 0 ? std::string(" ") + std::strerror(bytes.error)
                          : " " + summary(bytes.text);
}

class Walk {
 public:
  explicit Walk(std::string root) : root_(std::move(root)) {}

  void visit(const std::string& inside) {
    const std::string path = root_ + inside;
    struct stat st {};
    if (::lstat(path.c_str(), &st) != 0) {
      tree_["@" + inside] = std::strerror(errno);
      return;
    }
    if (!inside.empty()) tree_["@" + inside] = line(inside, path, st);
    if (!S_ISDIR(st.st_mode)) return;
    for (const std::string& name : names_in(path))
      if (!inside.empty() || !is_left_out(name)) visit(inside + "/" + name);
  }

  std::map<std::string, std::string> take() { return std::move(tree_); }

 private:
  std::string line(const std::string& inside, const std::string& path, const struct stat& st) {
    std::string text = description(st) + content_of(path, st, root_) + attributes_of(path);
    if (!S_ISDIR(st.st_mode) && st.st_nlink > 1)
      text += " same as " + first_names_.try_emplace(st.st_ino, inside).first->second;
    return text;
  }

  const std::string root_;
  std::map<std::string, std::string> tree_;
  std::map<ino_t, std::string> first_names_;
};

}  // namespace

std::string description(const struct stat& st) {
  std::string text = fmt::format("{} {:04o} {}:{} links {}", type_of(st.st_mode),
                                 st.st_mode & 07777, st.st_uid, st.st_gid, st.st_nlink);
  if (!S_ISDIR(st.st_mode)) text += fmt::format(" size {}", st.st_size);
  if (S_ISFIFO(st.st_mode)) return text;
  return text + " mtime " + time_of(st.st_mtim);
}

std::string attributes_of(const std::string& path) {
  std::array<char, 16384> names{};
  const auto size = ::llistxattr(path.c_str(), names.data(), names.size());
  if (size <= 0) return size == 0 ? "" : fmt::format(" xattrs {}", ::strerrorname_np(errno));
  std::vector<std::string> lines;
  for (const char* name = names.data(); name < names.data() + size; name += std::strlen(name) + 1) {
    std::array<char, 8192> value{};
    const auto got = ::lgetxattr(path.c_str(), name, value.data(), value.size());
    lines.push_back(fmt::format(" {}={}", name,
                                got < 0 ? ::strerrorname_np(errno)
                                        : summary({value.data(), static_cast<std::size_t>(got)})));
  }
  std::sort(lines.begin(), lines.end());
  return fmt::format("{}", fmt::join(lines, ""));
}

std::map<std::string, std::string> tree_of(const stdfs::path& root) {
  Walk walk(root.string());
  walk.visit("");
  return walk.take();
}

std::string difference(const std::map<std::string, std::string>& one,
                       const std::map<std::string, std::string>& other) {
  std::map<std::string, std::pair<std::string, std::string>> both;
  for (const auto& [path, text] : one) both[path].first = text;
  for (const auto& [path, text] : other) both[path].second = text;
  std::erase_if(both, [](const auto& entry) { return entry.second.first == entry.second.second; });
  std::string text;
  std::size_t lines = 0;
  for (const auto& [path, texts] : both) {
    if (++lines > kMostLines) return text + fmt::format("  … {} paths in all\n", both.size());
    text += fmt::format("  {}\n    mount: {}\n    plain: {}\n", path, texts.first, texts.second);
  }
  return text;
}

std::string with_root_named(const std::string& text, const std::string& root) {
  return text.starts_with(root) ? "@" + text.substr(root.size()) : text;
}

}  // namespace neffs::test
