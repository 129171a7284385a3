// Makes random operations on few names, so that they collide.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/exercise/operation.h"

namespace neffs::test {

// The same seed gives the same operations, on every machine. Used by one thread.
class Generator {
 public:
  // Even seeds allocate space that is not written. Where its end is depends on what is in memory, so
  // they cannot ask for exact holes; odd ones do.
  explicit Generator(std::uint64_t seed) : random_(seed), allocates_(seed % 2 == 0) {}

  // First some directories, so that the rest has where to be; every now and then "- trees", seldom
  // "- remount"; "- trees" is the last.
  std::vector<Operation> operations(std::size_t count);

 private:
  enum Kind { kFile, kDirectory };

  Operation next();
  std::vector<std::string> words_of(const std::string& form);
  std::string word(char kind);

  std::size_t below(std::size_t limit) { return random_() % limit; }
  std::string pick(const std::vector<std::string>& choices) {
    return choices[below(choices.size())];
  }
  bool one_in(std::size_t count) { return below(count) == 0; }

  std::string path(Kind kind);
  std::string deep_path(Kind kind);
  std::string file_below(const std::string& parent);
  std::string directory_below(const std::string& parent);
  std::string open_flags();
  std::string offset();
  std::string size();
  std::string owner();
  std::string time();

  std::mt19937_64 random_;
  const bool allocates_;
};

}  // namespace neffs::test
