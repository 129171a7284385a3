// What neuron_parallel_compile does: collect graphs, then compile all that the cache lists.
#pragma once

#include <string>
#include <vector>

#include "tests/neuron/compile.h"

namespace neffs::test {

// What a full scan of a cache finds, each list in order.
struct Scan {
  std::vector<std::string> todo;
  std::vector<std::string> locked;
  std::vector<std::string> done;
  std::vector<std::string> failed;
};
Scan scan(const std::filesystem::path& cache);
void say(const Scan& scan, const Transcript& transcript);

// Writes the inputs of count= modules into the compiler's folder folder=.
int collect(const Job& job, Words& words, const Transcript& transcript);
// Starts workers= processes that each walk the whole list; those whose number is divisible by
// fails= do not compile. Returns how many failed.
int compile_all(const Job& job, Words& words, const Transcript& transcript);

}  // namespace neffs::test
