// The journal of systemd, by its own protocol: a message with fields is one datagram.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <spdlog/sinks/sink.h>

#include "hub/environment.h"

namespace neffs::mount_helper {

// Beside MESSAGE, PRIORITY and SYSLOG_IDENTIFIER; names as systemd.journal-fields(7) has them.
using JournalFields = std::vector<std::pair<std::string, std::string>>;

// True if `fd` is what systemd has connected to the journal: JOURNAL_STREAM tells its device and inode.
bool is_journal(int fd, const hub::Environment& environment);

// Where lines go, or null where there is no journal. A journal that does not keep up loses lines, and
// holds up nobody.
std::shared_ptr<spdlog::sinks::sink> journal_sink(const JournalFields& fields);

}  // namespace neffs::mount_helper
