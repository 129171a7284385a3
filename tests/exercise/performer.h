// Performs operations as one user on one tree, and says what came of each.
#pragma once

#include <sys/stat.h>

#include <array>
#include <cstddef>
#include <deque>
#include <string>

#include "fs/unique_fd.h"
#include "tests/exercise/operation.h"

namespace neffs::test {

// A shared mapping that outlives the descriptor it was made from, which it keeps a copy of to know
// where the file ends. Owns both.
class Mapping {
 public:
  static constexpr std::size_t kSize = std::size_t{1} << 20;

  Mapping() = default;
  ~Mapping() { reset(); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  // False with errno.
  bool map(int fd);
  void reset();
  explicit operator bool() const { return at_ != nullptr; }
  char* at(std::size_t offset) const { return at_ + offset; }
  // Whether a touch of these bytes is one of the file's, not a SIGBUS.
  bool reaches(std::size_t offset, std::size_t size) const;

 private:
  char* at_ = nullptr;
  fs::UniqueFd file_;
};

// The words of an operation, taken one after the other. Throws std::invalid_argument if there are
// not enough.
class Words {
 public:
  Words(const Operation& operation, std::string root)
      : words_(operation.words.begin(), operation.words.end()), root_(std::move(root)) {}

  std::string text();
  long long number();
  mode_t mode();  // octal
  std::string path(const class Performer& performer);
  // A symlink's target: as path(), but what is not below the root stays as it is.
  std::string target();

 private:
  std::deque<std::string> words_;
  const std::string root_;
};

// Has its slots for open files and mappings, its current directory and its umask: those of the
// process, so there is one Performer a process. Used by one thread.
class Performer {
 public:
  static constexpr int kSlots = 4;
  static constexpr int kMappings = 2;

  // root: what "@" stands for, and the current directory at first. Throws std::system_error.
  explicit Performer(std::string root);

  // "ok", a number, what was read, or the name of an errno. Throws std::invalid_argument for what
  // is no operation.
  std::string perform(const Operation& operation);

  // -1 if nothing is open there.
  int slot(long long number) const;

 private:
  using Verb = std::string (Performer::*)(Words&);
  static Verb verb_of(const std::string& name);
  // The root's own link count is left out: the state directory is one of its links.
  std::string described(struct stat st) const;

  // performer_files.cc: by descriptor
  std::string open(Words& words);
  std::string close(Words& words);
  std::string dup(Words& words);
  std::string read(Words& words);
  std::string write(Words& words);
  std::string pread(Words& words);
  std::string pwrite(Words& words);
  std::string lseek(Words& words);
  std::string fstat(Words& words);
  std::string ftruncate(Words& words);
  std::string fallocate(Words& words);
  std::string fsync(Words& words);
  std::string fdatasync(Words& words);
  std::string fchmod(Words& words);
  std::string fchown(Words& words);
  std::string futimens(Words& words);
  std::string forget_pages(Words& words);
  std::string copy(Words& words);
  std::string clone(Words& words);
  std::string flock(Words& words);
  std::string lock(Words& words);
  std::string map(Words& words);
  std::string store(Words& words);
  std::string load(Words& words);
  std::string unmap(Words& words);

  // performer_names.cc: by name
  std::string stat(Words& words);
  std::string stat_followed(Words& words);
  std::string readlink(Words& words);
  std::string access(Words& words);
  std::string statfs(Words& words);
  std::string mkdir(Words& words);
  std::string rmdir(Words& words);
  std::string unlink(Words& words);
  std::string rename(Words& words);
  std::string rename2(Words& words);
  std::string link(Words& words);
  std::string symlink(Words& words);
  std::string mknod(Words& words);
  std::string chmod(Words& words);
  std::string chown(Words& words);
  std::string utimens(Words& words);
  std::string truncate(Words& words);
  std::string same(Words& words);

  // performer_others.cc: listings, attributes, what belongs to the process
  std::string list(Words& words);
  std::string list_slot(Words& words);
  std::string list_while(Words& words);
  std::string setxattr(Words& words);
  std::string getxattr(Words& words);
  std::string listxattr(Words& words);
  std::string removexattr(Words& words);
  std::string umask(Words& words);
  std::string chdir(Words& words);
  std::string fchdir(Words& words);
  std::string getcwd(Words& words);
  std::string leave(Words& words);
  std::string enter(Words& words);

  const std::string root_;
  ino_t root_ino_ = 0;
  std::array<fs::UniqueFd, kSlots> slots_;
  std::array<Mapping, kMappings> mappings_;
};

// What an outcome says of a call's result: the number, or the name of errno.
std::string outcome(long long result);
// The same for calls that have no other result than their success.
std::string done(long long result);

}  // namespace neffs::test
