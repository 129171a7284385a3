#include "tests/neuron/transcript.h"

#include <cerrno>
#include <cstring>
#include <iostream>
#include <system_error>

namespace neffs::test {

std::string name_of_error(int error) {
  if (error == 0) return "ok";
  const char* const name = ::strerrorname_np(error);
  return name != nullptr ? name : std::to_string(error);
}

int error_of(long result) {
  return result < 0 ? errno : 0;
}

void Transcript::say(const std::string& line) const {
  if (!is_silent_) std::cout << line << std::endl;
}

int Transcript::note(const std::string& what, int error) const {
  say(what + ": " + name_of_error(error));
  return error;
}

void Transcript::must(const std::string& what, int error) const {
  if (note(what, error) != 0) throw std::system_error(error, std::generic_category(), what);
}

}  // namespace neffs::test
