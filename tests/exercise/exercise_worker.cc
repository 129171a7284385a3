// The processes that exercise: "SOCKET UID ROOT" performs operations, see worker.h.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "tests/exercise/worker.h"

int main(int argc, char** argv) try {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 3)
    return neffs::test::work(words[0], static_cast<uid_t>(std::stoul(words[1])), words[2]);
  std::fputs("usage: exercise_worker SOCKET UID ROOT\n", stderr);
  return 2;
} catch (const std::exception& error) {
  std::fprintf(stderr, "exercise_worker: %s\n", error.what());
  return 1;
}
