#include "tests/exercise/performer.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "tests/exercise/tree.h"

namespace neffs::test {
namespace {

// "a{3}" becomes "axxx".
std::string expanded(std::string text) {
  const auto begin = text.find('{');
  if (begin == std::string::npos) return text;
  const auto end = text.find('}', begin);
  const auto count = std::stoul(text.substr(begin + 1, end - begin - 1));
  return text.replace(begin, end - begin + 1, std::string(count, 'x'));
}

}  // namespace

bool Mapping::map(int fd) {
  void* at = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) return false;
  reset();
  at_ = static_cast<char*>(at);
  file_.reset(::dup(fd));
  return true;
}

void Mapping::reset() {
  if (at_ != nullptr) ::munmap(std::exchange(at_, nullptr), kSize);
  file_.reset();
}

bool Mapping::reaches(std::size_t offset, std::size_t size) const {
  struct stat st {};
  return ::fstat(file_.get(), &st) == 0 && offset < kSize && offset + size <= kSize &&
         offset + size <= static_cast<std::size_t>(st.st_size);
}

std::string Words::text() {
  if (words_.empty()) throw std::invalid_argument("a word is missing");
  std::string word = words_.front();
  words_.pop_front();
  return word;
}

long long Words::number() {
  return std::stoll(text());
}

mode_t Words::mode() {
  return static_cast<mode_t>(std::stoul(text(), nullptr, 8));
}

std::string Words::target() {
  const std::string word = expanded(text());
  return word[0] == '@' ? root_ + word.substr(1) : word;
}

std::string Words::path(const Performer& performer) {
  const std::string word = target();
  const auto colon = word.find(':');
  if (word[0] == '/' || colon == std::string::npos) return word;
  return "/proc/self/fd/" + std::to_string(performer.slot(std::stoi(word))) + "/" +
         word.substr(colon + 1);
}

std::string outcome(long long result) {
  return result < 0 ? ::strerrorname_np(errno) : std::to_string(result);
}

std::string done(long long result) {
  return result < 0 ? ::strerrorname_np(errno) : "ok";
}

Performer::Performer(std::string root) : root_(std::move(root)) {
  struct stat st {};
  // Nothing may happen anywhere else, by no relative path.
  if (::chdir(root_.c_str()) != 0 || ::stat(".", &st) != 0)
    throw std::system_error(errno, std::generic_category(), root_);
  root_ino_ = st.st_ino;
}

std::string Performer::described(struct stat st) const {
  if (st.st_ino == root_ino_) st.st_nlink = 0;
  return description(st);
}

int Performer::slot(long long number) const {
  return slots_.at(static_cast<std::size_t>(number)).get();
}

std::string Performer::perform(const Operation& operation) {
  Words words(operation, root_);
  return (this->*verb_of(operation.verb))(words);
}

Performer::Verb Performer::verb_of(const std::string& name) {
  using P = Performer;
  static const std::map<std::string, Verb> verbs{{"open", &P::open},
                                                 {"close", &P::close},
                                                 {"dup", &P::dup},
                                                 {"read", &P::read},
                                                 {"write", &P::write},
                                                 {"pread", &P::pread},
                                                 {"pwrite", &P::pwrite},
                                                 {"lseek", &P::lseek},
                                                 {"fstat", &P::fstat},
                                                 {"ftruncate", &P::ftruncate},
                                                 {"fallocate", &P::fallocate},
                                                 {"fsync", &P::fsync},
                                                 {"fdatasync", &P::fdatasync},
                                                 {"fchmod", &P::fchmod},
                                                 {"fchown", &P::fchown},
                                                 {"futimens", &P::futimens},
                                                 {"forget-pages", &P::forget_pages},
                                                 {"copy", &P::copy},
                                                 {"clone", &P::clone},
                                                 {"flock", &P::flock},
                                                 {"lock", &P::lock},
                                                 {"map", &P::map},
                                                 {"store", &P::store},
                                                 {"load", &P::load},
                                                 {"unmap", &P::unmap},
                                                 {"stat", &P::stat},
                                                 {"stat-followed", &P::stat_followed},
                                                 {"readlink", &P::readlink},
                                                 {"access", &P::access},
                                                 {"statfs", &P::statfs},
                                                 {"mkdir", &P::mkdir},
                                                 {"rmdir", &P::rmdir},
                                                 {"unlink", &P::unlink},
                                                 {"rename", &P::rename},
                                                 {"rename2", &P::rename2},
                                                 {"link", &P::link},
                                                 {"symlink", &P::symlink},
                                                 {"mknod", &P::mknod},
                                                 {"chmod", &P::chmod},
                                                 {"chown", &P::chown},
                                                 {"utimens", &P::utimens},
                                                 {"truncate", &P::truncate},
                                                 {"same", &P::same},
                                                 {"list", &P::list},
                                                 {"list-slot", &P::list_slot},
                                                 {"list-while", &P::list_while},
                                                 {"setxattr", &P::setxattr},
                                                 {"getxattr", &P::getxattr},
                                                 {"listxattr", &P::listxattr},
                                                 {"removexattr", &P::removexattr},
                                                 {"umask", &P::umask},
                                                 {"chdir", &P::chdir},
                                                 {"fchdir", &P::fchdir},
                                                 {"getcwd", &P::getcwd},
                                                 {"leave", &P::leave},
                                                 {"enter", &P::enter}};
  const auto it = verbs.find(name);
  if (it == verbs.end()) throw std::invalid_argument("no such verb: " + name);
  return it->second;
}

}  // namespace neffs::test
