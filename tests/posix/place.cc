#include "tests/posix/place.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace neffs::test::posix {
namespace {

void require(bool done, const std::string& what) {
  if (!done) throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

Mapping::Mapping(int fd, std::size_t size, int protection, int flags)
    : address_(::mmap(nullptr, size, protection, flags, fd, 0)), size_(size) {
  require(address_ != MAP_FAILED, "mmap");
}

Mapping::~Mapping() {
  ::munmap(address_, size_);
}

Place::Place(std::filesystem::path root) : root_(std::move(root)) {
  require(::chdir(root_.c_str()) == 0, "chdir " + root_.string());
}

Place::Place(std::filesystem::path root, const std::string& directory)
    : root_(std::move(root)), own_directory_(root_ / directory) {
  require(::mkdir(own_directory_.c_str(), 0755) == 0, "mkdir " + own_directory_.string());
  require(::chdir(own_directory_.c_str()) == 0, "chdir " + own_directory_.string());
}

Place::~Place() {
  children_.clear();
  mapping_.reset();
  files_.clear();
  std::error_code ignored;
  if (::chdir("/") == 0 && !own_directory_.empty())
    std::filesystem::remove_all(own_directory_, ignored);
}

std::string Place::path(const std::string& name) const {
  return name.starts_with('/') ? root_.string() + name : name;
}

int Place::fd(const std::string& handle) const {
  const auto found = files_.find(handle);
  return found == files_.end() ? -1 : found->second.get();
}

}  // namespace neffs::test::posix
