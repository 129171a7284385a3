// Processes that start together, share a few numbers, and report a line each.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <map>
#include <string>

namespace neffs::test {

// What all of a family see. Zero at first.
struct Shared {
  std::atomic<int> arrived;
  std::atomic<int> next_task;
};

// Runs `work` in `count` processes, each with its number, and counts what they say: lines of at most
// a few hundred bytes, by `say`. A process that ends badly says so too.
using Say = std::function<void(const std::string&)>;
std::map<std::string, int> run_processes(int count,
                                         const std::function<void(int, Shared&, const Say&)>& work);
// The same with threads of this process.
std::map<std::string, int> run_threads(int count,
                                       const std::function<void(int, Shared&, const Say&)>& work);

}  // namespace neffs::test
