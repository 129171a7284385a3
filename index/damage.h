// What to do about database files that cannot be trusted. Nothing here opens the database itself:
// closing a second descriptor of it would drop the locks that SQLite holds.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

namespace neffs::index {

// Why the files must not be given to SQLite, in one line; empty if they may. Finds what SQLite
// would pass over in silence: a file cut to nothing with its WAL still there, a WAL whose header is
// garbage (both are dropped, and with them what was committed last: a file of the user's own could
// count as a copy again), and the note that an earlier run has left. Reads a few bytes.
std::string damage_before_opening(const std::filesystem::path& file);

// Leaves that note, so that the next open sets the database aside. Never throws: where it cannot be
// written, the damage will be met again.
void note_damage(const std::filesystem::path& file, const std::string& damage) noexcept;

// Renames the database to `<file>.damaged-<now as UTC>`, a number after it if that name is taken,
// its -wal and -shm likewise, and drops the note. Returns the new name. Throws IndexError.
std::filesystem::path set_aside(const std::filesystem::path& file, std::chrono::sys_seconds now);

}  // namespace neffs::index
