#include "hub/compare_answer.h"

#include <string>

namespace neffs::hub {
namespace {

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// False if the line cannot be read.
bool read_line(std::string_view line, std::vector<ChangedPath>& changes) {
  const auto fields = split(line, '\t');
  if (fields.size() < 3) return false;
  const auto status_at = fields[1].rfind(' ');
  if (fields[1].empty() || fields[1].front() != ':' || status_at == std::string_view::npos)
    return false;
  const auto status = fields[1].substr(status_at + 1);
  if (status.empty()) return false;
  const bool has_two = status.front() == 'R' || status.front() == 'C';
  if (fields.size() != (has_two ? 4U : 3U)) return false;
  for (std::size_t i = 2; i < fields.size(); ++i) {
    if (fields[i].empty() || fields[i].front() == '"') return false;
    const bool is_old_name = has_two && i == 2;
    changes.push_back(
        {std::string(fields[i]), status.front() == 'D' || (is_old_name && status.front() == 'R')});
  }
  return true;
}

}  // namespace

std::optional<std::vector<ChangedPath>> parse_compare(std::string_view text) {
  std::vector<ChangedPath> changes;
  for (const auto line : split(text, '\n'))
    if (!line.empty() && !read_line(line, changes)) return std::nullopt;
  return changes;
}

}  // namespace neffs::hub
