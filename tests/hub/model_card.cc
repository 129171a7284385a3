#include "tests/hub/model_card.h"

#include <sstream>

namespace neffs::test {
namespace {

constexpr std::string_view kFence = "---";

bool is_fence(const std::string& line) {
  return line == kFence || line == "---\r";
}

// A comment, an item of a list, or a key with what follows it.
bool is_yaml_line(const std::string& line) {
  const std::size_t start = line.find_first_not_of(' ');
  if (start == std::string::npos || line[start] == '\r' || line[start] == '#') return true;
  if (line[start] == '\t') return false;
  const std::string text = line.substr(start);
  if (text == "-" || text.starts_with("- ")) return true;
  const std::size_t colon = text.find(':');
  return colon != std::string::npos && colon > 0 &&
         (colon + 1 == text.size() || text[colon + 1] == ' ' || text[colon + 1] == '\r');
}

}  // namespace

bool has_front_matter(std::string_view readme) {
  return readme.starts_with("---\n") || readme.starts_with("---\r\n");
}

std::string fault_of_card(std::string_view readme) {
  if (!has_front_matter(readme)) return "";
  std::istringstream in{std::string(readme)};
  std::string line;
  std::getline(in, line);
  for (int number = 2; std::getline(in, line); ++number) {
    if (is_fence(line)) return "";
    if (!is_yaml_line(line)) {
      return "Invalid YAML in the metadata of README.md, line " + std::to_string(number);
    }
  }
  return "The metadata of README.md has no end";
}

}  // namespace neffs::test
