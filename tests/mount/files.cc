#include "tests/mount/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <ostream>
#include <random>
#include <system_error>

namespace neffs::test {
namespace {

constexpr std::size_t kPage = 4096;

ssize_t require(ssize_t result, const std::string& what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

std::size_t size_of(int fd) {
  struct stat st {};
  require(::fstat(fd, &st), "fstat");
  return static_cast<std::size_t>(st.st_size);
}

}  // namespace

void PrintTo(const Bytes& bytes, std::ostream* out) {
  *out << bytes.text.size() << " bytes, errno " << bytes.error;
}

Bytes read_all_of(int fd) {
  Bytes result;
  std::array<char, 65536> buffer{};
  while (true) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0) result.error = errno;
    if (got <= 0) return result;
    result.text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

Bytes read_file(const std::filesystem::path& path) {
  const fs::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return fd ? read_all_of(fd.get()) : Bytes{errno, ""};
}

int stat_error(const std::filesystem::path& path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0 ? 0 : errno;
}

int open_error(const std::filesystem::path& path, int flags, unsigned mode) {
  const fs::UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
  return fd ? 0 : errno;
}

fs::UniqueFd open_file(const std::filesystem::path& path, int flags, unsigned mode) {
  return fs::UniqueFd(
      static_cast<int>(require(::open(path.c_str(), flags | O_CLOEXEC, mode), path.string())));
}

void write_file(const std::filesystem::path& path, const std::string& text) {
  const auto fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
  require(::write(fd.get(), text.data(), text.size()), path.string());
}

std::string read_by_mmap(const std::filesystem::path& path) {
  const auto fd = open_file(path, O_RDONLY);
  const std::size_t size = size_of(fd.get());
  void* const mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
  if (mapped == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  std::string bytes(static_cast<const char*>(mapped), size);
  ::munmap(mapped, size);
  return bytes;
}

void store_by_mmap(const std::filesystem::path& path, const std::string& text) {
  const auto fd = open_file(path, O_RDWR);
  void* const mapped =
      ::mmap(nullptr, text.size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (mapped == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  std::copy(text.begin(), text.end(), static_cast<char*>(mapped));
  ::munmap(mapped, text.size());
}

std::string read_by_readv(const std::filesystem::path& path) {
  const auto fd = open_file(path, O_RDONLY);
  std::string bytes(size_of(fd.get()), '\0');
  const std::size_t first = bytes.size() / 3;
  const std::array<iovec, 2> parts{
      {{bytes.data(), first}, {bytes.data() + first, bytes.size() - first}}};
  bytes.resize(static_cast<std::size_t>(
      require(::readv(fd.get(), parts.data(), static_cast<int>(parts.size())), "readv")));
  return bytes;
}

std::string read_by_sendfile(const std::filesystem::path& path) {
  const auto fd = open_file(path, O_RDONLY);
  const fs::UniqueFd copy(static_cast<int>(require(::memfd_create("copy", 0), "memfd_create")));
  while (require(::sendfile(copy.get(), fd.get(), nullptr, 1 << 20), "sendfile") > 0) {
  }
  std::string bytes(size_of(copy.get()), '\0');
  require(::pread(copy.get(), bytes.data(), bytes.size(), 0), "pread");
  return bytes;
}

std::string read_in_random_order(const std::filesystem::path& path, std::uint64_t seed) {
  constexpr std::size_t kPiece = 1237;
  const auto fd = open_file(path, O_RDONLY);
  std::string bytes(size_of(fd.get()), '\0');
  std::vector<std::size_t> pieces((bytes.size() + kPiece - 1) / kPiece);
  std::iota(pieces.begin(), pieces.end(), 0);
  std::shuffle(pieces.begin(), pieces.end(), std::mt19937_64(seed));
  for (const std::size_t piece : pieces) {
    const std::size_t at = piece * kPiece;
    require(::pread(fd.get(), bytes.data() + at, std::min(kPiece, bytes.size() - at),
                    static_cast<off_t>(at)),
            "pread");
  }
  return bytes;
}

std::string read_directly(const std::filesystem::path& path) {
  constexpr std::size_t kPiece = 64 * kPage;
  const auto fd = open_file(path, O_RDONLY | O_DIRECT);
  const std::unique_ptr<char, decltype(&std::free)> buffer(
      static_cast<char*>(std::aligned_alloc(kPage, kPiece)), &std::free);
  std::string bytes;
  while (true) {
    const ssize_t got =
        require(::pread(fd.get(), buffer.get(), kPiece, static_cast<off_t>(bytes.size())), "pread");
    bytes.append(buffer.get(), static_cast<std::size_t>(got));
    if (static_cast<std::size_t>(got) < kPiece) return bytes;
  }
}

std::set<std::string> files_below(const std::filesystem::path& directory) {
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory))
    if (!entry.is_directory()) files.insert(entry.path().lexically_relative(directory).string());
  return files;
}

std::set<std::string> names_in(const std::filesystem::path& directory) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    names.insert(entry.path().filename().string());
  return names;
}

}  // namespace neffs::test
