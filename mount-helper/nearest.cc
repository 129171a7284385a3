#include "mount-helper/nearest.h"

#include <algorithm>
#include <numeric>

namespace neffs::mount_helper {

std::size_t edit_distance(std::string_view from, std::string_view to) {
  // row[j]: the distance of what has been read of `from` to the first j characters of `to`.
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string_view nearest(std::string_view typed, const std::vector<std::string_view>& words) {
  const auto found =
      std::min_element(words.begin(), words.end(), [&](std::string_view a, std::string_view b) {
        return edit_distance(typed, a) < edit_distance(typed, b);
      });
  return found == words.end() ? std::string_view() : *found;
}

std::string guess(std::string_view typed, const std::vector<std::string_view>& words) {
  constexpr std::size_t kTelling = 3;  // characters
  const auto begins_so = [&](std::string_view word) {
    return typed.size() >= kTelling && word.starts_with(typed);
  };
  const auto longer = std::find_if(words.begin(), words.end(), begins_so);
  const auto word = longer != words.end() ? *longer : nearest(typed, words);
  const bool is_near =
      longer != words.end() || edit_distance(typed, word) <= (typed.size() + 2) / 3;
  return word.empty() || !is_near ? "" : "is " + std::string(word) + " meant? ";
}

}  // namespace neffs::mount_helper
