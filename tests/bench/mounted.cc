#include "tests/bench/mounted.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

namespace neffs::test {

int run_program(const std::vector<std::string>& arguments) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<char*> argv;
    for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    ::dup2(null, STDOUT_FILENO);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Mounted::Mounted(const std::string& source, const std::filesystem::path& at,
                 const std::string& options)
    : at_(at) {
  std::filesystem::create_directories(at);
  if (run_program({NEFFS_PROGRAM, "mount", source, at.string(), "-o", options}) != 0)
    throw std::runtime_error("could not mount");
}

Mounted::~Mounted() {
  run_program({NEFFS_PROGRAM, "umount", at_.string()});
}

}  // namespace neffs::test
