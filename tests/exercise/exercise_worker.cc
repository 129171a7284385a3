// The processes that exercise: "SOCKET UID ROOT" performs operations, see worker.h;
// "FILE SEED OPERATIONS BEGIN END" exercises a file, or a part of it, see file_exerciser.h.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "tests/exercise/file_exerciser.h"
#include "tests/exercise/worker.h"

int main(int argc, char** argv) try {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 3)
    return neffs::test::work(words[0], static_cast<uid_t>(std::stoul(words[1])), words[2]);
  if (words.size() == 5) {
    neffs::test::FileExerciser(words[0], std::stoull(words[1]),
                               {std::stoul(words[3]), std::stoul(words[4])})
        .run(std::stoul(words[2]));
    return 0;
  }
  std::fputs("usage: exercise_worker SOCKET UID ROOT | FILE SEED OPERATIONS BEGIN END\n", stderr);
  return 2;
} catch (const std::exception& error) {
  std::fprintf(stderr, "exercise_worker: %s\n", error.what());
  return 1;
}
