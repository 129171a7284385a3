#include "index/damage.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <string_view>
#include <system_error>

#include "index/index.h"

namespace neffs::index {
namespace {

namespace stdfs = std::filesystem;

// https://www.sqlite.org/fileformat2.html, "WAL header format".
constexpr unsigned char kWalMagic[] = {0x37, 0x7f, 0x06};  // then 0x82 or 0x83
constexpr std::size_t kWalHeaderSize = 32;

stdfs::path beside(const stdfs::path& file, std::string_view suffix) {
  return stdfs::path(file.string() + std::string(suffix));
}

stdfs::path note_of(const stdfs::path& file) {
  return beside(file, ".damage");
}

// 0 for a file that is not there, too.
std::uintmax_t size_of(const stdfs::path& file) {
  std::error_code error;
  const std::uintmax_t size = stdfs::file_size(file, error);
  return error ? 0 : size;
}

// A header of zeros is what a power cut leaves before the first sync: nothing was promised yet.
bool is_garbage(const std::array<char, kWalHeaderSize>& header) {
  const bool has_magic = std::memcmp(header.data(), kWalMagic, sizeof kWalMagic) == 0;
  const bool is_blank = std::all_of(header.begin(), header.end(), [](char c) { return c == 0; });
  return !has_magic && !is_blank;
}

bool wal_is_garbage(const stdfs::path& wal) {
  std::array<char, kWalHeaderSize> header{};
  std::ifstream in(wal, std::ios::binary);
  in.read(header.data(), header.size());
  return in.gcount() == static_cast<std::streamsize>(header.size()) && is_garbage(header);
}

std::string note_text(const stdfs::path& file) {
  std::ifstream in(note_of(file));
  std::string line;
  if (in) std::getline(in, line);
  return !line.empty() || !in.is_open() ? line : "damage was found by an earlier run";
}

stdfs::path free_name(const stdfs::path& file, std::chrono::sys_seconds now) {
  const std::string stem = fmt::format("{}.damaged-{:%Y%m%dT%H%M%SZ}", file.string(),
                                       fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
  stdfs::path name = stem;
  for (int number = 2; stdfs::exists(name); ++number) name = fmt::format("{}-{}", stem, number);
  return name;
}

}  // namespace

std::string damage_before_opening(const stdfs::path& file) {
  const stdfs::path wal = beside(file, "-wal");
  if (std::string note = note_text(file); !note.empty()) return note;
  if (size_of(file) == 0 && size_of(wal) > 0) return "the file is empty and its WAL is not";
  if (wal_is_garbage(wal)) return "the header of the WAL is garbage";
  return {};
}

void note_damage(const stdfs::path& file, const std::string& damage) noexcept {
  try {
    std::ofstream(note_of(file)) << damage << '\n';
  } catch (const std::exception&) {
    // As promised: there is nothing better to do.
  }
}

stdfs::path set_aside(const stdfs::path& file, std::chrono::sys_seconds now) {
  stdfs::path name = free_name(file, now);
  try {
    // The database goes first: without its WAL it would look sound and lack what came last.
    for (const std::string_view suffix : {"", "-wal", "-shm"}) {
      if (stdfs::exists(beside(file, suffix))) {
        stdfs::rename(beside(file, suffix), beside(name, suffix));
      }
    }
    stdfs::remove(note_of(file));
  } catch (const stdfs::filesystem_error& error) {
    throw IndexError(IndexErrorKind::kUnavailable,
                     fmt::format("index {}: cannot be set aside: {}", file.string(), error.what()));
  }
  return name;
}

}  // namespace neffs::index
