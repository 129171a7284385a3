#include "mount-helper/mount_table.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <charconv>
#include <fstream>
#include <iterator>
#include <system_error>

#include "mount-helper/command_error.h"

namespace neffs::mount_helper {
namespace {

namespace stdfs = std::filesystem;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

bool is_octal(char c) {
  return c >= '0' && c <= '7';
}

// Blanks, tabs, newlines and backslashes are written as \040 and so on.
std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool is_escape = text[at] == '\\' && at + 3 < text.size() && is_octal(text[at + 1]) &&
                           is_octal(text[at + 2]) && is_octal(text[at + 3]);
    if (is_escape) {
      const int code = (text[at + 1] - '0') * 64 + (text[at + 2] - '0') * 8 + (text[at + 3] - '0');
      plain += static_cast<char>(code);
      at += 3;
    } else {
      plain += text[at];
    }
  }
  return plain;
}

template <typename Number>
std::optional<Number> number_of(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<dev_t> device_of(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == text.npos) return std::nullopt;
  const auto major_number = number_of<unsigned>(text.substr(0, colon));
  const auto minor_number = number_of<unsigned>(text.substr(colon + 1));
  if (!major_number || !minor_number) return std::nullopt;
  return makedev(*major_number, *minor_number);
}

// "id parent major:minor root mount_point options [optional…] - type source super_options"
std::optional<MountEntry> parse_line(std::string_view line) {
  const std::size_t dash = line.find(" - ");
  if (dash == line.npos) return std::nullopt;
  const auto front = split(line.substr(0, dash), ' ');
  const auto back = split(line.substr(dash + 3), ' ');
  if (front.size() < 6 || back.size() < 2) return std::nullopt;
  const auto id = number_of<std::uint64_t>(front[0]);
  const auto device = device_of(front[2]);
  if (!id || !device) return std::nullopt;
  return MountEntry{*id, *device, unescape(front[4]), unescape(back[0]), unescape(back[1])};
}

std::optional<std::uint64_t> mount_id(int directory, const char* path, int flags) {
  struct statx found {};
  const int how = flags | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT;
  if (::statx(directory, path, how, STATX_MNT_ID, &found) != 0) return std::nullopt;
  if ((found.stx_mask & STATX_MNT_ID) == 0) return std::nullopt;
  return found.stx_mnt_id;
}

}  // namespace

std::vector<MountEntry> parse_mount_table(std::string_view text) {
  std::vector<MountEntry> table;
  for (const std::string_view line : split(text, '\n')) {
    if (auto entry = parse_line(line)) table.push_back(std::move(*entry));
  }
  return table;
}

std::vector<MountEntry> read_mount_table() {
  std::ifstream in("/proc/self/mountinfo");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (text.empty()) throw CommandError("mounts", "/proc/self/mountinfo cannot be read");
  return parse_mount_table(text);
}

std::optional<MountEntry> mount_at(const std::vector<MountEntry>& table, const stdfs::path& path) {
  for (auto entry = table.rbegin(); entry != table.rend(); ++entry) {
    if (entry->mount_point == path.string()) return *entry;
  }
  return std::nullopt;
}

std::optional<MountEntry> mount_containing(const std::vector<MountEntry>& table,
                                           const stdfs::path& path) {
  for (stdfs::path above = path;; above = above.parent_path()) {
    if (auto entry = mount_at(table, above)) return entry;
    if (above == above.parent_path()) return std::nullopt;
  }
}

std::optional<std::uint64_t> mount_id_of(const stdfs::path& path) {
  return mount_id(AT_FDCWD, path.c_str(), 0);
}

std::optional<std::uint64_t> mount_id_of(int fd) {
  return mount_id(fd, "", AT_EMPTY_PATH);
}

stdfs::path mount_path(const stdfs::path& typed, const std::vector<MountEntry>& table) {
  stdfs::path path = stdfs::absolute(typed).lexically_normal();
  if (!path.has_filename() && path.has_relative_path()) path = path.parent_path();  // "dir/"
  if (mount_at(table, path)) return path;
  std::error_code error;
  // First without the last name, below which there may be a mount that does not answer.
  stdfs::path parent = stdfs::canonical(path.parent_path(), error);
  if (!error && mount_at(table, parent / path.filename())) return parent / path.filename();
  stdfs::path whole = stdfs::weakly_canonical(path, error);
  return error ? path : whole;
}

}  // namespace neffs::mount_helper
