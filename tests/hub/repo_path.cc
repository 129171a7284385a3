#include "tests/hub/repo_path.h"

#include <algorithm>

namespace neffs::test {
namespace {

constexpr std::size_t kLongestPath = 1000;
constexpr std::size_t kLongestName = 255;

std::string fault_of_component(std::string_view name) {
  if (name.empty() || name == "." || name == "..") return "is not normalized";
  if (name.size() > kLongestName) return "has too long a name";
  if (name == ".git" || name == ".cache") return "is below a folder that is not for repos";
  const bool printable =
      std::none_of(name.begin(), name.end(), [](unsigned char c) { return c < ' ' || c == 0x7F; });
  return printable ? "" : "has control characters";
}

}  // namespace

std::string fault_of_path(std::string_view path) {
  if (path.size() > kLongestPath) return "is longer than 1000 characters";
  for (;;) {
    const std::size_t slash = path.find('/');
    std::string fault = fault_of_component(path.substr(0, slash));
    if (!fault.empty() || slash == std::string_view::npos) return fault;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace neffs::test
