#include "tests/neuron/family.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <exception>
#include <memory>
#include <mutex>
#include <sstream>
#include <system_error>
#include <thread>
#include <vector>

#include "fs/unique_fd.h"
#include "tests/mount/files.h"

namespace neffs::test {
namespace {

using Work = std::function<void(int, Shared&, const Say&)>;

struct Unmap {
  void operator()(Shared* shared) const { ::munmap(shared, sizeof(Shared)); }
};

std::unique_ptr<Shared, Unmap> make_shared_memory() {
  void* const memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  return std::unique_ptr<Shared, Unmap>(new (memory) Shared{});
}

// A short line arrives in one piece.
void write_line(int pipe, const std::string& line) {
  const std::string text = line + '\n';
  if (::write(pipe, text.data(), text.size()) != static_cast<ssize_t>(text.size())) ::_exit(3);
}

void try_work(const Work& work, int number, Shared& shared, const Say& say) {
  try {
    work(number, shared, say);
  } catch (const std::exception& error) {
    say(std::string("gave up: ") + error.what());
  }
}

pid_t start_process(const Work& work, int number, Shared& shared, int pipe) {
  const pid_t child = ::fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child > 0) return child;
  try_work(work, number, shared, [pipe](const std::string& line) { write_line(pipe, line); });
  ::_exit(0);
}

std::map<std::string, int> counted(const std::string& text) {
  std::map<std::string, int> counts;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) ++counts[line];
  return counts;
}

}  // namespace

std::map<std::string, int> run_processes(int count, const Work& work) {
  const auto shared = make_shared_memory();
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    throw std::system_error(errno, std::generic_category(), "pipe");
  const fs::UniqueFd read_end(ends[0]);
  fs::UniqueFd write_end(ends[1]);
  std::vector<pid_t> children;
  children.reserve(static_cast<std::size_t>(count));
  for (int number = 0; number < count; ++number)
    children.push_back(start_process(work, number, *shared, write_end.get()));
  write_end = fs::UniqueFd();
  auto counts = counted(read_all_of(read_end.get()).text);
  for (const pid_t child : children) {
    int status = 0;
    if (::waitpid(child, &status, 0) != child || status != 0) ++counts["ended badly"];
  }
  return counts;
}

std::map<std::string, int> run_threads(int count, const Work& work) {
  Shared shared{};
  std::map<std::string, int> counts;
  std::mutex mutex;
  const Say say = [&](const std::string& line) {
    const std::lock_guard lock(mutex);
    ++counts[line];
  };
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(count));
  for (int number = 0; number < count; ++number)
    threads.emplace_back([&, number] { try_work(work, number, shared, say); });
  for (std::thread& thread : threads) thread.join();
  return counts;
}

}  // namespace neffs::test
