#include "tests/bench/measure.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <random>
#include <system_error>
#include <thread>
#include <vector>

namespace neffs::test {
namespace {

constexpr std::size_t kBlock = 1U << 20;
constexpr std::size_t kPage = 4096;

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

class File {
 public:
  explicit File(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) fail(path);
  }
  ~File() { ::close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }
  std::size_t size() const {
    struct stat st {};
    if (::fstat(fd_, &st) != 0) fail("fstat");
    return static_cast<std::size_t>(st.st_size);
  }

 private:
  int fd_;
};

double seconds_of(const std::function<void()>& what) {
  const auto start = std::chrono::steady_clock::now();
  what();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void sync_filesystem_of(const std::filesystem::path& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) fail(directory);
  ::syncfs(fd);
  ::close(fd);
}

void run_steps(const Place& place, int round, const std::vector<Step>& steps, bool is_counted,
               std::vector<std::vector<double>>& seconds) {
  const std::string name = "round-" + std::to_string(round);
  const Place fresh{place.seen / name, place.below / name};
  std::filesystem::create_directory(fresh.seen);
  sync_filesystem_of(place.below);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const double taken = seconds_of([&] { steps[i](fresh); });
    if (is_counted) seconds[i].push_back(taken);
  }
  std::filesystem::remove_all(fresh.seen);
}

}  // namespace

Pair measure(int rounds, const std::function<void()>& plain, const std::function<void()>& mount) {
  plain();
  mount();
  std::vector<double> plain_s;
  std::vector<double> mount_s;
  for (int i = 0; i < rounds; ++i) {
    plain_s.push_back(seconds_of(plain));
    mount_s.push_back(seconds_of(mount));
  }
  return {median(plain_s), median(mount_s)};
}

double measure(int rounds, const std::function<void()>& what) {
  std::vector<double> all;
  for (int i = 0; i < rounds; ++i) all.push_back(seconds_of(what));
  return median(all);
}

std::vector<Pair> measure_steps(const Places& places, int rounds, const std::vector<Step>& steps) {
  std::vector<std::vector<double>> plain_s(steps.size());
  std::vector<std::vector<double>> mount_s(steps.size());
  for (int i = 0; i <= rounds; ++i) {
    const bool is_counted = i > 0;  // the first warms up
    run_steps(places.plain, i, steps, is_counted, plain_s);
    run_steps(places.mount, i, steps, is_counted, mount_s);
  }
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < steps.size(); ++i)
    pairs.push_back({median(plain_s[i]), median(mount_s[i])});
  return pairs;
}

void read_whole(const std::string& path) {
  const File file(path);
  std::vector<char> buffer(kBlock);
  while (true) {
    const auto got = ::read(file.fd(), buffer.data(), buffer.size());
    if (got < 0) fail(path);
    if (got == 0) return;
  }
}

void scan_mapped(const std::string& path) {
  const File file(path);
  const auto size = file.size();
  void* at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED | MAP_POPULATE, file.fd(), 0);
  if (at == MAP_FAILED) fail(path);
  const auto* bytes = static_cast<const volatile unsigned char*>(at);
  unsigned sum = 0;
  for (std::size_t i = 0; i < size; i += kPage / 8) sum += bytes[i];
  ::munmap(at, size);
  if (sum == 1) throw std::runtime_error("the file is not what was written");
}

void read_at_random(const std::string& path, int reads) {
  const File file(path);
  const auto pages = file.size() / kPage;
  std::minstd_rand random(1);
  std::array<char, kPage> page{};
  for (int i = 0; i < reads; ++i)
    if (::pread(file.fd(), page.data(), page.size(), static_cast<off_t>(random() % pages * kPage)) <
        0)
      fail(path);
}

void stat_often(const std::string& path, int times) {
  struct stat st {};
  for (int i = 0; i < times; ++i)
    if (::stat(path.c_str(), &st) != 0) fail(path);
}

void stat_absent(const std::string& path, int times) {
  struct stat st {};
  for (int i = 0; i < times; ++i)
    if (::stat(path.c_str(), &st) == 0) throw std::runtime_error(path + " is there");
}

void open_read_close(const std::string& path, int times) {
  std::array<char, kPage> page{};
  for (int i = 0; i < times; ++i) {
    const File file(path);
    if (::read(file.fd(), page.data(), page.size()) < 0) fail(path);
  }
}

void open_read_close_threads(const std::string& path, int times, int threads) {
  std::vector<std::jthread> all;
  for (int i = 0; i < threads; ++i)
    all.emplace_back([&] { open_read_close(path, times / threads); });
}

}  // namespace neffs::test
