// How much memory a stretch of a test takes at its peak.
#pragma once

#include <cstdint>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>

namespace neffs::test {

// Enough for all buffers of the client and of the server in the same process. Sanitizers keep what
// was freed, so that nothing can be said under them.
#if defined(__has_feature)  // Clang's way to say what GCC says by macros
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define NEFFS_KEEPS_FREED_MEMORY
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NEFFS_KEEPS_FREED_MEMORY
#endif
#ifdef NEFFS_KEEPS_FREED_MEMORY
inline constexpr std::uint64_t kMostGrowthKib = UINT64_MAX;
#else
inline constexpr std::uint64_t kMostGrowthKib = 16UL * 1024;
#endif

// Counts from its construction on. Of the whole process: nothing else may go on meanwhile.
class PeakMemory {
 public:
  PeakMemory() {
    std::ofstream reset("/proc/self/clear_refs");  // the peak begins anew
    if (!(reset << "5" << std::flush)) throw std::runtime_error("no peak of memory");
    start_kib_ = peak_kib();
  }

  std::uint64_t growth_kib() const {
    const std::uint64_t growth = peak_kib() - start_kib_;
    std::cout << "peak memory grew by " << growth << " KiB\n";
    return growth;
  }

 private:
  static std::uint64_t peak_kib() {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
      std::uint64_t kib = 0;
      if (word == "VmHWM:" && status >> kib) return kib;
    }
    return 0;
  }

  std::uint64_t start_kib_ = 0;
};

}  // namespace neffs::test
