// Operations on names.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>

#include "tests/exercise/performer.h"
#include "tests/exercise/tree.h"

namespace neffs::test {
namespace {

unsigned rename_flag(const std::string& name) {
  if (name == "noreplace") return RENAME_NOREPLACE;
  if (name == "exchange") return RENAME_EXCHANGE;
  if (name == "whiteout") return RENAME_WHITEOUT;
  throw std::invalid_argument("unknown flag: " + name);
}

mode_t node_type(const std::string& name) {
  if (name == "fifo") return S_IFIFO;
  if (name == "socket") return S_IFSOCK;
  if (name == "file") return S_IFREG;
  throw std::invalid_argument("unknown type: " + name);
}

timespec time_of(const std::string& word) {
  if (word == "now") return {0, UTIME_NOW};
  if (word == "omit") return {0, UTIME_OMIT};
  return {std::stol(word), std::stol(word) % 1'000'000'000};
}

}  // namespace

std::string Performer::stat(Words& words) {
  struct stat st {};
  return ::lstat(words.path(*this).c_str(), &st) == 0 ? described(st) : outcome(-1);
}

std::string Performer::stat_followed(Words& words) {
  struct stat st {};
  return ::stat(words.path(*this).c_str(), &st) == 0 ? described(st) : outcome(-1);
}

std::string Performer::readlink(Words& words) {
  std::array<char, 4096> target{};
  const auto size = ::readlink(words.path(*this).c_str(), target.data(), target.size());
  if (size < 0) return outcome(size);
  return with_root_named({target.data(), static_cast<std::size_t>(size)}, root_);
}

std::string Performer::access(Words& words) {
  const std::string path = words.path(*this);
  return done(::faccessat(AT_FDCWD, path.c_str(), static_cast<int>(words.number()), 0));
}

std::string Performer::statfs(Words& words) {
  struct statvfs st {};
  if (::statvfs(words.path(*this).c_str(), &st) != 0) return outcome(-1);
  return std::to_string(st.f_bsize) + " " + std::to_string(st.f_frsize) + " " +
         std::to_string(st.f_blocks) + " " + std::to_string(st.f_namemax);
}

std::string Performer::mkdir(Words& words) {
  const std::string path = words.path(*this);
  return done(::mkdir(path.c_str(), words.mode()));
}

std::string Performer::rmdir(Words& words) {
  return done(::rmdir(words.path(*this).c_str()));
}

std::string Performer::unlink(Words& words) {
  return done(::unlink(words.path(*this).c_str()));
}

std::string Performer::rename(Words& words) {
  const std::string from = words.path(*this);
  return done(::rename(from.c_str(), words.path(*this).c_str()));
}

std::string Performer::rename2(Words& words) {
  const std::string from = words.path(*this);
  const std::string to = words.path(*this);
  return done(::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), rename_flag(words.text())));
}

std::string Performer::link(Words& words) {
  const std::string from = words.path(*this);
  const std::string to = words.path(*this);
  const int flags = words.number() != 0 ? AT_SYMLINK_FOLLOW : 0;
  return done(::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags));
}

std::string Performer::symlink(Words& words) {
  const std::string target = words.target();
  return done(::symlink(target.c_str(), words.path(*this).c_str()));
}

std::string Performer::mknod(Words& words) {
  const std::string path = words.path(*this);
  const mode_t type = node_type(words.text());
  return done(::mknod(path.c_str(), type | words.mode(), 0));
}

std::string Performer::chmod(Words& words) {
  const std::string path = words.path(*this);
  return done(::chmod(path.c_str(), words.mode()));
}

std::string Performer::chown(Words& words) {
  const std::string path = words.path(*this);
  const auto uid = static_cast<uid_t>(words.number());
  return done(::lchown(path.c_str(), uid, static_cast<gid_t>(words.number())));
}

std::string Performer::utimens(Words& words) {
  const std::string path = words.path(*this);
  const timespec accessed = time_of(words.text());
  const timespec times[2] = {accessed, time_of(words.text())};
  return done(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW));
}

std::string Performer::truncate(Words& words) {
  const std::string path = words.path(*this);
  return done(::truncate(path.c_str(), words.number()));
}

// Whether two names are of one file.
std::string Performer::same(Words& words) {
  struct stat one {};
  struct stat other {};
  const std::string path = words.path(*this);
  if (::lstat(path.c_str(), &one) != 0) return outcome(-1);
  if (::lstat(words.path(*this).c_str(), &other) != 0) return outcome(-1);
  return one.st_ino == other.st_ino ? "the same" : "not the same";
}

}  // namespace neffs::test
