// One file, used in every way there is, against what it must hold by then.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <string>

#include "fs/unique_fd.h"

namespace neffs::test {

// What a file held otherwise; says where, and what was done last.
class WrongBytes : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Several processes may each have a part of the file to themselves, of any length and at any place;
// then none of them changes its size, and none punches, zeroes or copies into a page that it shares:
// without passthrough the kernel's FUSE loses a store that somebody else makes there meanwhile. Used by
// one thread.
class FileExerciser {
 public:
  struct Part {
    std::size_t begin = 0;
    std::size_t end = 0;  // 0: the whole file, which may grow and shrink
  };

  // Throws std::system_error, as do the others.
  FileExerciser(std::filesystem::path path, std::uint64_t seed, Part part);

  // Throws WrongBytes.
  void run(std::size_t operations);

 private:
  struct Range {
    std::size_t begin;
    std::size_t size;
  };

  void step();
  bool is_whole() const { return part_.end == 0; }
  std::size_t limit() const;
  Range range_inside();
  Range range_anywhere();
  Range on_own_pages(Range range) const;
  std::string new_bytes(std::size_t size);
  void put(std::size_t at, const std::string& bytes);
  void note(std::string what) { log_.push_back(std::move(what)); }
  void compare(std::size_t at, const std::string& bytes, const char* how);
  void compare_size();
  void open();

  void write();
  void append();
  void store();
  void read();
  void load();
  void truncate();
  void allocate();
  void punch();
  void zero();
  void copy();
  void reopen();
  void sync();
  void forget_pages();
  void read_all();

  const std::filesystem::path path_;
  const Part part_;
  std::mt19937_64 random_;
  fs::UniqueFd file_;
  std::string model_;            // the whole file; outside of the part nothing is known
  std::deque<std::string> log_;  // the last operations
};

}  // namespace neffs::test
