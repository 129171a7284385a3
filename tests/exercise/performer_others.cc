// Listings, extended attributes, and what belongs to the process.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <vector>

#include "tests/exercise/known_differences.h"
#include "tests/exercise/pattern.h"
#include "tests/exercise/performer.h"
#include "tests/exercise/tree.h"

namespace neffs::test {
namespace {

constexpr std::size_t kRoomForOneName = 320;
constexpr std::size_t kRoomForMany = 32768;

// Adds one call's names, with their type; false at the end or at an error.
bool add_names(int fd, std::size_t room, std::vector<std::string>& names) {
  alignas(8) std::array<char, kRoomForMany> buffer{};
  const auto got = ::getdents64(fd, buffer.data(), room);
  for (ssize_t at = 0; at < got;) {
    const auto* entry = reinterpret_cast<const dirent64*>(buffer.data() + at);
    const std::string name = entry->d_name;
    if (name != "." && name != ".." && !is_left_out(name))
      names.push_back(name + ":" + std::to_string(entry->d_type));
    at += entry->d_reclen;
  }
  errno = got < 0 ? errno : 0;
  return got > 0;
}

std::string sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  std::string text = std::to_string(names.size()) + " names";
  for (const std::string& name : names)
    text += " " + (name.size() > 40 ? name.substr(0, 20) + "…" : name);
  return text;
}

std::string rest_of(int fd) {
  std::vector<std::string> names;
  while (add_names(fd, kRoomForMany, names)) continue;
  return errno == 0 ? sorted(std::move(names)) : outcome(-1);
}

std::string toggle(const std::string& path) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) == 0) return "removed " + done(::unlink(path.c_str()));
  const fs::UniqueFd made(::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0640));
  return "made " + done(made.get());
}

int set_flag(const std::string& name) {
  if (name == "any") return 0;
  if (name == "create") return XATTR_CREATE;
  if (name == "replace") return XATTR_REPLACE;
  throw std::invalid_argument("unknown flag: " + name);
}

}  // namespace

std::string Performer::list(Words& words) {
  const fs::UniqueFd fd(::open(words.path(*this).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd ? rest_of(fd.get()) : outcome(-1);
}

// What is first read may be of the time when it was opened; after a rewind it may not.
std::string Performer::list_slot(Words& words) {
  const int fd = slot(words.number());
  struct stat st {};
  if (::fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode)) return "no directory";
  rest_of(fd);
  return ::lseek(fd, 0, SEEK_SET) == 0 ? rest_of(fd) : outcome(-1);
}

// A name is made or removed in the middle of a listing, which must have every other name once, and
// after a rewind all of them.
std::string Performer::list_while(Words& words) {
  const std::string path = words.path(*this);
  const std::string name = words.text();
  const fs::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return outcome(-1);
  std::vector<std::string> names;
  add_names(fd.get(), kRoomForOneName, names);
  const std::string change = toggle(path + "/" + name);
  while (add_names(fd.get(), kRoomForMany, names)) continue;
  std::erase_if(names, [&](const std::string& found) { return found.starts_with(name + ":"); });
  const std::string before = sorted(std::move(names));
  ::lseek(fd.get(), 0, SEEK_SET);
  return change + ", " + before + ", then " + rest_of(fd.get());
}

std::string Performer::setxattr(Words& words) {
  const std::string path = words.path(*this);
  const std::string name = words.text();
  const auto size = static_cast<std::size_t>(words.number());
  const std::string value = pattern(static_cast<std::uint64_t>(words.number()), size);
  return done(
      ::lsetxattr(path.c_str(), name.c_str(), value.data(), value.size(), set_flag(words.text())));
}

std::string Performer::getxattr(Words& words) {
  const std::string path = words.path(*this);
  const std::string name = words.text();
  std::string value(static_cast<std::size_t>(words.number()), '\0');
  const auto got = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
  if (got < 0 || value.empty()) return outcome(got);
  return summary(std::string_view(value).substr(0, static_cast<std::size_t>(got)));
}

std::string Performer::listxattr(Words& words) {
  const std::string path = words.path(*this);
  const auto size = ::llistxattr(path.c_str(), nullptr, 0);
  return size < 0 ? outcome(size) : std::to_string(size) + attributes_of(path);
}

std::string Performer::removexattr(Words& words) {
  const std::string path = words.path(*this);
  return done(::lremovexattr(path.c_str(), words.text().c_str()));
}

std::string Performer::umask(Words& words) {
  ::umask(words.mode());
  return "ok";
}

std::string Performer::chdir(Words& words) {
  return done(::chdir(words.path(*this).c_str()));
}

std::string Performer::fchdir(Words& words) {
  return done(::fchdir(slot(words.number())));
}

std::string Performer::getcwd(Words& /*words*/) {
  std::array<char, 8192> directory{};
  if (::getcwd(directory.data(), directory.size()) == nullptr) return outcome(-1);
  return with_root_named(directory.data(), root_);
}

// Lets go of everything, so that the mount can end.
std::string Performer::leave(Words& /*words*/) {
  for (auto& slot : slots_) slot.reset();
  for (auto& mapping : mappings_) mapping.reset();
  return done(::chdir("/"));
}

std::string Performer::enter(Words& /*words*/) {
  return done(::chdir(root_.c_str()));
}

}  // namespace neffs::test
