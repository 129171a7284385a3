// The program: a command line, one command, an exit code.
#pragma once

namespace neffs::mount_helper {

// 0 on success, 1 on failure, 2 on wrong usage. Says errors on stderr; nothing escapes.
int run(int argc, char** argv) noexcept;

}  // namespace neffs::mount_helper
