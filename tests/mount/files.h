// Files as programs read and write them, with the errno in the place of an exception.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "fs/unique_fd.h"

namespace neffs::test {

// What reading a whole file gave.
struct Bytes {
  int error = 0;  // errno of open or read
  std::string text;

  friend bool operator==(const Bytes&, const Bytes&) = default;
};

// For messages: not the bytes, which may be many.
void PrintTo(const Bytes& bytes, std::ostream* out);

Bytes read_file(const std::filesystem::path& path);
Bytes read_all_of(int fd);
// 0 or errno.
int stat_error(const std::filesystem::path& path);
int open_error(const std::filesystem::path& path, int flags, unsigned mode = 0666);
// Throws std::system_error.
void write_file(const std::filesystem::path& path, const std::string& text);
fs::UniqueFd open_file(const std::filesystem::path& path, int flags, unsigned mode = 0666);

// Other ways to get at all bytes of a file.
std::string read_by_mmap(const std::filesystem::path& path);
std::string read_by_readv(const std::filesystem::path& path);
std::string read_by_sendfile(const std::filesystem::path& path);
std::string read_in_random_order(const std::filesystem::path& path, std::uint64_t seed);
std::string read_directly(const std::filesystem::path& path);  // O_DIRECT

// Stores the text at the start of the file through a shared mapping.
void store_by_mmap(const std::filesystem::path& path, const std::string& text);

// Every file below a directory, by its path from there.
std::set<std::string> files_below(const std::filesystem::path& directory);
std::set<std::string> names_in(const std::filesystem::path& directory);

}  // namespace neffs::test
