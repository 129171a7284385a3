// Where a case happens: a fresh directory, and what the case keeps open in it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fs/unique_fd.h"
#include "tests/mount/child.h"

namespace neffs::test::posix {

// Owns a mapping of memory.
class Mapping {
 public:
  // Throws std::system_error.
  Mapping(int fd, std::size_t size, int protection, int flags);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  char* data() const { return static_cast<char*>(address_); }
  std::size_t size() const { return size_; }

 private:
  void* address_;
  std::size_t size_;
};

// While it lives its directory is the working directory of the process, so that the names of a case
// are the plain relative ones. For one thread.
class Place {
 public:
  // The root itself of the filesystem that the case is about.
  explicit Place(std::filesystem::path root);
  // A directory below the root, which must not exist, though its parent must. It is removed with all
  // that is in it.
  Place(std::filesystem::path root, const std::string& directory);
  ~Place();
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  // What the system is to be called with. A name that begins with '/' counts from the root of the
  // filesystem, so "/.." is outside.
  std::string path(const std::string& name) const;

  // Open files by the names that the case has for them. -1 if there is none.
  int fd(const std::string& handle) const;
  void keep(const std::string& handle, fs::UniqueFd fd) { files_[handle] = std::move(fd); }
  void drop(const std::string& handle) { files_.erase(handle); }

  Mapping* mapping() const { return mapping_.get(); }
  void keep(std::unique_ptr<Mapping> mapping) { mapping_ = std::move(mapping); }
  void keep(std::unique_ptr<Child> child) { children_.push_back(std::move(child)); }

 private:
  const std::filesystem::path root_;
  const std::filesystem::path own_directory_;  // "" if there is none
  std::map<std::string, fs::UniqueFd> files_;
  std::unique_ptr<Mapping> mapping_;
  std::vector<std::unique_ptr<Child>> children_;
};

}  // namespace neffs::test::posix
