#include "mount-helper/lfs_patterns.h"

#include <array>
#include <sstream>

namespace neffs::mount_helper {
namespace {

constexpr std::array<std::string_view, 2> kPatterns = {"*.neff", "*.hlo*"};
constexpr std::string_view kToLfs = " filter=lfs diff=lfs merge=lfs -text\n";

bool has_pattern(std::string_view text, std::string_view pattern) {
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    if (!(words >> word) || word != pattern) continue;
    while (words >> word)
      if (word == "filter=lfs") return true;
  }
  return false;
}

}  // namespace

std::optional<std::string> with_lfs_patterns(std::string_view gitattributes) {
  std::string added;
  for (const auto pattern : kPatterns)
    if (!has_pattern(gitattributes, pattern)) added.append(pattern).append(kToLfs);
  if (added.empty()) return std::nullopt;
  const bool ends_in_line = !gitattributes.empty() && !gitattributes.ends_with('\n');
  return std::string(gitattributes) + (ends_in_line ? "\n" : "") + added;
}

}  // namespace neffs::mount_helper
