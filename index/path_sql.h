// SQL on the paths of a table, shared by all tables that have them.
#pragma once

#include <string>
#include <string_view>

namespace neffs::index {

// True for a path at or below ?1. Between "a" and "a0", the least name behind all of "a/…", lie few
// others ("a+b", "a.c"), so that this is one short scan in the order of paths.
inline constexpr std::string_view kAtOrBelow =
    "path >= ?1 AND path < ?1 || '0' AND (path = ?1 OR path >= ?1 || '/')";

// ?1 renamed to ?2, with everything below it. As bytes: a name on Linux need not be text, and SQLite
// counts characters in text.
inline constexpr std::string_view kRenamed =
    "CAST(CAST(?2 AS BLOB) || substr(CAST(path AS BLOB), length(CAST(?1 AS BLOB)) + 1) AS "
    "TEXT)";

}  // namespace neffs::index
