// Other programs, asked whether they see things as we do.
#pragma once

#include <array>
#include <cstdio>
#include <string>

namespace neffs::test {

struct Output {
  int status = -1;
  std::string text;  // both streams
};

inline Output run(const std::string& command) {
  Output output;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  std::array<char, 4096> buffer{};
  while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    output.text.append(buffer.data(), n);
  }
  output.status = ::pclose(pipe);
  return output;
}

inline bool has_git() {
  return run("git --version").status == 0;
}

}  // namespace neffs::test
