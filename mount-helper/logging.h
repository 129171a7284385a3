// Where log lines go.
#pragma once

#include "mount-helper/options.h"

namespace neffs::mount_helper {

// In the foreground to stderr, else to the system's log (and so to the journal). After the last
// fork, before the first thread.
void start_logging(LogLevel level, bool is_foreground);

}  // namespace neffs::mount_helper
