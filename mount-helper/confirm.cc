#include "mount-helper/confirm.h"

#include <algorithm>
#include <cctype>
#include <cerrno>

#include "mount-helper/command_error.h"

namespace neffs::mount_helper {
namespace {

// A terminal hands over whole lines, but not before the one that is asked for; so byte by byte.
std::string read_line(int in) {
  std::string line;
  char byte = 0;
  while (true) {
    const auto got = ::read(in, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || byte == '\n') return line;
    line += byte;
  }
}

bool means_yes(std::string answer) {
  std::erase_if(answer, [](unsigned char c) { return std::isspace(c) != 0; });
  std::transform(answer.begin(), answer.end(), answer.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return answer == "y" || answer == "yes";
}

}  // namespace

bool is_confirmed(const std::string& question, int in, int out) {
  if (::isatty(in) != 1 || ::isatty(out) != 1)
    throw usage_error(question, "there is no terminal to answer on", "--yes says yes");
  const std::string text = question + " [y/N] ";
  if (::write(out, text.data(), text.size()) < 0) return false;
  return means_yes(read_line(in));
}

}  // namespace neffs::mount_helper
