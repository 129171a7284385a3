// Asking before something is done that cannot be taken back.
#pragma once

#include <unistd.h>

#include <string>

namespace neffs::mount_helper {

// Writes the question to `out` and reads a line from `in`, both of them a terminal; true for y or yes,
// in any case. Throws CommandError (wrong usage), which names --yes, where one of them is no terminal.
bool is_confirmed(const std::string& question, int in = STDIN_FILENO, int out = STDERR_FILENO);

}  // namespace neffs::mount_helper
