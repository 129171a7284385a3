// Operations on what is open.
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <sstream>
#include <stdexcept>

#include "tests/exercise/pattern.h"
#include "tests/exercise/performer.h"
#include "tests/exercise/tree.h"

namespace neffs::test {
namespace {

constexpr std::size_t kPage = 4096;

using Names = std::map<std::string, int>;

// "a,b" as the sum of what the names stand for.
int sum_of(const std::string& names, const Names& known) {
  int sum = 0;
  std::istringstream in(names);
  for (std::string name; std::getline(in, name, ',');) {
    const auto it = known.find(name);
    if (it == known.end()) throw std::invalid_argument("unknown flag: " + name);
    sum |= it->second;
  }
  return sum;
}

int open_flags(const std::string& names) {
  // Never waits for the other end of a fifo.
  return O_CLOEXEC | O_NONBLOCK |
         sum_of(names, {{"rd", O_RDONLY},
                        {"wr", O_WRONLY},
                        {"rdwr", O_RDWR},
                        {"creat", O_CREAT},
                        {"excl", O_EXCL},
                        {"trunc", O_TRUNC},
                        {"append", O_APPEND},
                        {"directory", O_DIRECTORY},
                        {"nofollow", O_NOFOLLOW},
                        {"sync", O_SYNC},
                        {"path", O_PATH},
                        {"tmpfile", O_TMPFILE}});
}

int allocation_mode(const std::string& names) {
  return sum_of(names, {{"plain", 0},
                        {"keep", FALLOC_FL_KEEP_SIZE},
                        {"punch", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE},
                        {"zero", FALLOC_FL_ZERO_RANGE},
                        {"collapse", FALLOC_FL_COLLAPSE_RANGE},
                        {"insert", FALLOC_FL_INSERT_RANGE}});
}

// Offsets in directories mean something to their filesystem only.
constexpr const char* kDisksBusiness = "the disk's business";

bool is_directory(int fd) {
  struct stat st {};
  return ::fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

std::string bytes_read(ssize_t got, std::string bytes) {
  if (got < 0) return outcome(got);
  bytes.resize(static_cast<std::size_t>(got));
  return summary(bytes);
}

bool is_zero(int fd, off_t begin, off_t end) {
  std::string bytes(static_cast<std::size_t>(end - begin), '\0');
  const ssize_t got = ::pread(fd, bytes.data(), bytes.size(), begin);
  return got < 0 || bytes.find_first_not_of('\0') == std::string::npos;
}

off_t size_of(int fd) {
  struct stat st {};
  return ::fstat(fd, &st) == 0 ? st.st_size : 0;
}

std::string found_data(int fd, off_t offset) {
  const off_t size = size_of(fd);
  off_t at = ::lseek(fd, offset, SEEK_DATA);
  if (at < 0 && (errno != ENXIO || offset < 0 || offset >= size)) return outcome(at);
  if (at < 0) at = size;
  ::lseek(fd, offset, SEEK_SET);
  return is_zero(fd, offset, at) ? "nothing but zeros before it" : "bytes left out";
}

std::string found_hole(int fd, off_t offset) {
  const off_t size = size_of(fd);
  const off_t at = ::lseek(fd, offset, SEEK_HOLE);
  if (at < 0) return outcome(at);
  const off_t data = ::lseek(fd, at, SEEK_DATA);
  ::lseek(fd, offset, SEEK_SET);
  return is_zero(fd, at, data < 0 ? size : data) ? "nothing but zeros in it" : "bytes in a hole";
}

timespec time_of(const std::string& word) {
  if (word == "now") return {0, UTIME_NOW};
  if (word == "omit") return {0, UTIME_OMIT};
  return {std::stol(word), std::stol(word) % 1'000'000'000};
}

}  // namespace

std::string Performer::open(Words& words) {
  auto& slot = slots_.at(static_cast<std::size_t>(words.number()));
  const std::string path = words.path(*this);
  const int flags = open_flags(words.text());
  const int fd = ::open(path.c_str(), flags, words.mode());
  if (fd >= 0) slot.reset(fd);  // else what was open stays open
  return done(fd);
}

std::string Performer::close(Words& words) {
  auto& slot = slots_.at(static_cast<std::size_t>(words.number()));
  const int fd = slot.release();
  return done(::close(fd));
}

std::string Performer::dup(Words& words) {
  const int copy = ::fcntl(slot(words.number()), F_DUPFD_CLOEXEC, 0);
  auto& other = slots_.at(static_cast<std::size_t>(words.number()));
  if (copy >= 0) other.reset(copy);
  return done(copy);
}

std::string Performer::read(Words& words) {
  const int fd = slot(words.number());
  std::string bytes(static_cast<std::size_t>(words.number()), '\0');
  if (is_directory(fd)) return kDisksBusiness;
  const ssize_t got = ::read(fd, bytes.data(), bytes.size());
  return bytes_read(got, std::move(bytes));
}

std::string Performer::write(Words& words) {
  const int fd = slot(words.number());
  const auto size = static_cast<std::size_t>(words.number());
  const std::string bytes = pattern(static_cast<std::uint64_t>(words.number()), size);
  return outcome(::write(fd, bytes.data(), bytes.size()));
}

std::string Performer::pread(Words& words) {
  const int fd = slot(words.number());
  std::string bytes(static_cast<std::size_t>(words.number()), '\0');
  const ssize_t got = ::pread(fd, bytes.data(), bytes.size(), words.number());
  return bytes_read(got, std::move(bytes));
}

std::string Performer::pwrite(Words& words) {
  const int fd = slot(words.number());
  const auto size = static_cast<std::size_t>(words.number());
  const off_t offset = words.number();
  const std::string bytes = pattern(static_cast<std::uint64_t>(words.number()), size);
  return outcome(::pwrite(fd, bytes.data(), bytes.size(), offset));
}

// "some-data" and "some-hole": only whether what was found is possible.
std::string Performer::lseek(Words& words) {
  const int fd = slot(words.number());
  const off_t offset = words.number();
  const std::string whence = words.text();
  if (is_directory(fd)) return kDisksBusiness;
  if (whence == "some-data") return found_data(fd, offset);
  if (whence == "some-hole") return found_hole(fd, offset);
  return outcome(::lseek(fd, offset,
                         sum_of(whence, {{"set", SEEK_SET},
                                         {"cur", SEEK_CUR},
                                         {"end", SEEK_END},
                                         {"data", SEEK_DATA},
                                         {"hole", SEEK_HOLE}})));
}

std::string Performer::fstat(Words& words) {
  struct stat st {};
  return ::fstat(slot(words.number()), &st) == 0 ? described(st) : outcome(-1);
}

std::string Performer::ftruncate(Words& words) {
  const int fd = slot(words.number());
  return done(::ftruncate(fd, words.number()));
}

std::string Performer::fallocate(Words& words) {
  const int fd = slot(words.number());
  const int mode = allocation_mode(words.text());
  const off_t offset = words.number();
  return done(::fallocate(fd, mode, offset, words.number()));
}

std::string Performer::fsync(Words& words) {
  return done(::fsync(slot(words.number())));
}

std::string Performer::fdatasync(Words& words) {
  return done(::fdatasync(slot(words.number())));
}

std::string Performer::fchmod(Words& words) {
  const int fd = slot(words.number());
  return done(::fchmod(fd, words.mode()));
}

std::string Performer::fchown(Words& words) {
  const int fd = slot(words.number());
  const auto uid = static_cast<uid_t>(words.number());
  return done(::fchown(fd, uid, static_cast<gid_t>(words.number())));
}

std::string Performer::futimens(Words& words) {
  const int fd = slot(words.number());
  const timespec accessed = time_of(words.text());
  const timespec times[2] = {accessed, time_of(words.text())};
  return done(::futimens(fd, times));
}

// What is read next comes from the other side of the page cache, once it is written back.
std::string Performer::forget_pages(Words& words) {
  const int fd = slot(words.number());
  const int error = ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  return error == 0 ? "ok" : ::strerrorname_np(error);
}

std::string Performer::copy(Words& words) {
  const int from = slot(words.number());
  off_t from_offset = words.number();
  const int to = slot(words.number());
  off_t to_offset = words.number();
  const auto size = static_cast<std::size_t>(words.number());
  return outcome(::copy_file_range(from, &from_offset, to, &to_offset, size, 0));
}

std::string Performer::clone(Words& words) {
  const int from = slot(words.number());
  return done(::ioctl(slot(words.number()), FICLONE, from));
}

// Never waits; nor does the next.
std::string Performer::flock(Words& words) {
  const int fd = slot(words.number());
  const int kind = sum_of(words.text(), {{"sh", LOCK_SH}, {"ex", LOCK_EX}, {"un", LOCK_UN}});
  return done(::flock(fd, kind | LOCK_NB));
}

std::string Performer::lock(Words& words) {
  const int fd = slot(words.number());
  const int command =
      sum_of(words.text(), {{"posix", F_SETLK}, {"ofd", F_OFD_SETLK}, {"ask", F_GETLK}});
  struct flock lock {};
  lock.l_type =
      static_cast<short>(sum_of(words.text(), {{"rd", F_RDLCK}, {"wr", F_WRLCK}, {"un", F_UNLCK}}));
  lock.l_start = words.number();
  lock.l_len = words.number();
  if (command == F_GETLK && lock.l_type == F_UNLCK) lock.l_type = F_RDLCK;
  const int result = ::fcntl(fd, command, &lock);
  if (result < 0 || command != F_GETLK || lock.l_type == F_UNLCK) return done(result);
  return std::to_string(lock.l_type) + " at " + std::to_string(lock.l_start) + " for " +
         std::to_string(lock.l_len);
}

std::string Performer::map(Words& words) {
  auto& mapping = mappings_.at(static_cast<std::size_t>(words.number()));
  return mapping.map(slot(words.number())) ? "ok" : outcome(-1);
}

// Synced at once: only then do the times have to show it.
std::string Performer::store(Words& words) {
  const auto& mapping = mappings_.at(static_cast<std::size_t>(words.number()));
  const auto offset = static_cast<std::size_t>(words.number());
  const auto size = static_cast<std::size_t>(words.number());
  if (!mapping) return "nothing mapped";
  if (!mapping.reaches(offset, size)) return "behind the end";
  const std::string bytes = pattern(static_cast<std::uint64_t>(words.number()), size);
  std::memcpy(mapping.at(offset), bytes.data(), size);
  const std::size_t page = offset / kPage * kPage;
  return done(::msync(mapping.at(page), offset + size - page, MS_SYNC));
}

std::string Performer::load(Words& words) {
  const auto& mapping = mappings_.at(static_cast<std::size_t>(words.number()));
  const auto offset = static_cast<std::size_t>(words.number());
  const auto size = static_cast<std::size_t>(words.number());
  if (!mapping) return "nothing mapped";
  if (!mapping.reaches(offset, size)) return "behind the end";
  return summary({mapping.at(offset), size});
}

std::string Performer::unmap(Words& words) {
  mappings_.at(static_cast<std::size_t>(words.number())).reset();
  return "ok";
}

}  // namespace neffs::test
