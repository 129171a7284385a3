// Where log lines go.
#pragma once

#include "mount-helper/journal.h"
#include "mount-helper/options.h"

namespace neffs::mount_helper {

// To the journal, with `fields`, from a daemon and from a service whose stderr it is; else in the
// foreground to stderr, and from a daemon to the system's log. After the last fork, before the first thread.
void start_logging(LogLevel level, bool is_foreground, const JournalFields& fields);
// From now on; any thread, after start_logging().
void set_log_level(LogLevel level);

}  // namespace neffs::mount_helper
