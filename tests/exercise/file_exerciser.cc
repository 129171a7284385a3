#include "tests/exercise/file_exerciser.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include <fmt/format.h>

#include "tests/exercise/pattern.h"

namespace neffs::test {
namespace {

constexpr std::size_t kLongestFile = 256 * 1024;
constexpr std::size_t kLongestRange = 64 * 1024;
constexpr std::size_t kPage = 4096;
constexpr std::size_t kKept = 40;  // operations in a message

ssize_t require(ssize_t result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

// A shared mapping of part of a file. Owns it.
class View {
 public:
  View(int file, std::size_t begin, std::size_t size)
      : skip_(begin % kPage),
        size_(skip_ + size),
        at_(::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, file,
                   static_cast<off_t>(begin - skip_))) {
    if (at_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  }
  ~View() { ::munmap(at_, size_); }
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  char* data() const { return static_cast<char*>(at_) + skip_; }
  void sync() const { require(::msync(at_, size_, MS_SYNC), "msync"); }

 private:
  const std::size_t skip_;
  const std::size_t size_;
  void* const at_;
};

off_t offset(std::size_t at) {
  return static_cast<off_t>(at);
}

}  // namespace

FileExerciser::FileExerciser(std::filesystem::path path, std::uint64_t seed, Part part)
    : path_(std::move(path)), part_(part), random_(seed) {
  open();
  struct stat st {};
  require(::fstat(file_.get(), &st), "fstat");
  model_.assign(static_cast<std::size_t>(st.st_size), '\0');
  if (is_whole()) return;
  put(part_.begin, new_bytes(part_.end - part_.begin));
}

void FileExerciser::run(std::size_t operations) {
  for (std::size_t i = 0; i < operations; ++i) {
    step();
    compare_size();
    if (log_.size() > kKept) log_.pop_front();
  }
  read_all();
}

void FileExerciser::step() {
  using Do = void (FileExerciser::*)();
  static constexpr std::array<Do, 12> kInPlace{
      &FileExerciser::write, &FileExerciser::write, &FileExerciser::store, &FileExerciser::store,
      &FileExerciser::read,  &FileExerciser::read,  &FileExerciser::load,  &FileExerciser::load,
      &FileExerciser::punch, &FileExerciser::zero,  &FileExerciser::copy,  &FileExerciser::copy};
  static constexpr std::array<Do, 4> kWhole{&FileExerciser::append, &FileExerciser::truncate,
                                            &FileExerciser::allocate, &FileExerciser::truncate};
  static constexpr std::array<Do, 4> kSeldom{&FileExerciser::reopen, &FileExerciser::sync,
                                             &FileExerciser::forget_pages,
                                             &FileExerciser::read_all};
  const auto number = random_() % 100;
  if (number < 4)
    (this->*kSeldom.at(random_() % kSeldom.size()))();
  else if (number < 20 && is_whole())
    (this->*kWhole.at(random_() % kWhole.size()))();
  else
    (this->*kInPlace.at(random_() % kInPlace.size()))();
}

std::size_t FileExerciser::limit() const {
  return is_whole() ? model_.size() : part_.end;
}

// Where there are bytes.
FileExerciser::Range FileExerciser::range_inside() {
  const std::size_t room = limit() - part_.begin;
  if (room == 0) return {part_.begin, 0};
  const std::size_t begin = part_.begin + random_() % room;
  return {begin, random_() % (std::min(limit() - begin, kLongestRange) + 1)};
}

// Behind the end too, if the file may grow.
FileExerciser::Range FileExerciser::range_anywhere() {
  if (!is_whole()) return range_inside();
  const std::size_t begin = random_() % kLongestFile;
  return {begin, random_() % (std::min(kLongestFile - begin, kLongestRange) + 1)};
}

FileExerciser::Range FileExerciser::on_own_pages(Range range) const {
  if (is_whole()) return range;
  const std::size_t begin = std::max(range.begin, (part_.begin + kPage - 1) / kPage * kPage);
  const std::size_t end = std::min(range.begin + range.size, part_.end / kPage * kPage);
  return {begin, end > begin ? end - begin : 0};
}

std::string FileExerciser::new_bytes(std::size_t size) {
  return pattern(random_(), size);
}

void FileExerciser::put(std::size_t at, const std::string& bytes) {
  if (bytes.empty()) return;
  require(::pwrite(file_.get(), bytes.data(), bytes.size(), offset(at)), "pwrite");
  model_.resize(std::max(model_.size(), at + bytes.size()));
  model_.replace(at, bytes.size(), bytes);
}

void FileExerciser::compare(std::size_t at, const std::string& bytes, const char* how) {
  if (model_.compare(at, bytes.size(), bytes) == 0) return;
  const auto differs = std::mismatch(bytes.begin(), bytes.end(), model_.begin() + offset(at));
  const auto place = at + static_cast<std::size_t>(differs.first - bytes.begin());
  throw WrongBytes(fmt::format("{} found {} at {} in place of {}, after\n  {}", how,
                               static_cast<int>(*differs.first), place,
                               static_cast<int>(*differs.second), fmt::join(log_, "\n  ")));
}

void FileExerciser::compare_size() {
  struct stat st {};
  require(::fstat(file_.get(), &st), "fstat");
  if (static_cast<std::size_t>(st.st_size) != model_.size())
    throw WrongBytes(fmt::format("{} bytes in place of {}, after\n  {}", st.st_size, model_.size(),
                                 fmt::join(log_, "\n  ")));
}

void FileExerciser::open() {
  file_.reset(
      static_cast<int>(require(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644), "open")));
}

// --- changes --------------------------------------------------------------------------------------

void FileExerciser::write() {
  const auto [begin, size] = range_anywhere();
  note(fmt::format("write {} {}", begin, size));
  put(begin, new_bytes(size));
}

void FileExerciser::append() {
  const std::string bytes = new_bytes(random_() % 8192);
  if (model_.size() + bytes.size() > kLongestFile) return;
  note(fmt::format("append {} at {}", bytes.size(), model_.size()));
  const fs::UniqueFd end(static_cast<int>(
      require(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC), "open to append")));
  require(::write(end.get(), bytes.data(), bytes.size()), "append");
  model_ += bytes;
}

void FileExerciser::store() {
  const auto [begin, size] = range_inside();
  if (size == 0) return;
  const bool is_synced = random_() % 4 == 0;
  note(fmt::format("store {} {}{}", begin, size, is_synced ? ", msync" : ""));
  const View view(file_.get(), begin, size);
  const std::string bytes = new_bytes(size);
  std::copy(bytes.begin(), bytes.end(), view.data());
  if (is_synced) view.sync();
  model_.replace(begin, size, bytes);
}

void FileExerciser::truncate() {
  const std::size_t size = random_() % kLongestFile;
  note(fmt::format("truncate {} to {}", model_.size(), size));
  require(::ftruncate(file_.get(), offset(size)), "ftruncate");
  model_.resize(size);
}

void FileExerciser::allocate() {
  const auto [begin, size] = range_anywhere();
  if (size == 0) return;
  note(fmt::format("allocate {} {}", begin, size));
  require(::fallocate(file_.get(), 0, offset(begin), offset(size)), "fallocate");
  model_.resize(std::max(model_.size(), begin + size));
}

void FileExerciser::punch() {
  const auto [begin, size] = on_own_pages(range_inside());
  if (size == 0) return;
  note(fmt::format("punch {} {}", begin, size));
  require(::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset(begin),
                      offset(size)),
          "punch");
  model_.replace(begin, size, size, '\0');
}

void FileExerciser::zero() {
  const auto [begin, size] = on_own_pages(range_anywhere());
  if (size == 0) return;
  note(fmt::format("zero {} {}", begin, size));
  require(::fallocate(file_.get(), FALLOC_FL_ZERO_RANGE, offset(begin), offset(size)), "zero");
  model_.resize(std::max(model_.size(), begin + size));
  model_.replace(begin, size, size, '\0');
}

void FileExerciser::copy() {
  const auto [begin, size] = range_inside();
  const auto to = range_anywhere().begin;
  const bool overlaps = to < begin + size && begin < to + size;
  const bool has_room =
      is_whole() ? to + size <= kLongestFile
                 : on_own_pages({to, size}).begin == to && on_own_pages({to, size}).size == size;
  if (size == 0 || !has_room || overlaps) return;
  note(fmt::format("copy {} {} to {}", begin, size, to));
  off_t from_offset = offset(begin);
  off_t to_offset = offset(to);
  const auto copied = static_cast<std::size_t>(
      require(::copy_file_range(file_.get(), &from_offset, file_.get(), &to_offset, size, 0),
              "copy_file_range"));
  model_.resize(std::max(model_.size(), to + copied));
  model_.replace(to, copied, std::string(model_, begin, copied));
}

// --- looks ----------------------------------------------------------------------------------------

void FileExerciser::read() {
  const auto [begin, size] = range_inside();
  note(fmt::format("read {} {}", begin, size));
  std::string bytes(size, '\0');
  bytes.resize(static_cast<std::size_t>(
      require(::pread(file_.get(), bytes.data(), size, offset(begin)), "pread")));
  if (bytes.size() != size) throw WrongBytes("a short read, after\n  " + log_.back());
  compare(begin, bytes, "read");
}

void FileExerciser::load() {
  const auto [begin, size] = range_inside();
  if (size == 0) return;
  note(fmt::format("load {} {}", begin, size));
  const View view(file_.get(), begin, size);
  compare(begin, std::string(view.data(), size), "load");
}

void FileExerciser::reopen() {
  note("reopen");
  file_.reset();
  open();
}

void FileExerciser::sync() {
  note("sync");
  require(random_() % 2 == 0 ? ::fsync(file_.get()) : ::fdatasync(file_.get()), "fsync");
}

// What is read next has to come from the other side of the page cache.
void FileExerciser::forget_pages() {
  note("forget pages");
  require(::fdatasync(file_.get()), "fdatasync");
  ::posix_fadvise(file_.get(), 0, 0, POSIX_FADV_DONTNEED);
}

void FileExerciser::read_all() {
  note("read all");
  const std::size_t end = limit();
  std::string bytes(end - part_.begin, '\0');
  const auto got = static_cast<std::size_t>(
      require(::pread(file_.get(), bytes.data(), bytes.size(), offset(part_.begin)), "pread"));
  if (got != bytes.size()) throw WrongBytes("a short read of everything");
  compare(part_.begin, bytes, "read of everything");
}

}  // namespace neffs::test
