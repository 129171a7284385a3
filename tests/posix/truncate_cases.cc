// truncate and ftruncate.
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdint>
#include <limits>

#include "tests/posix/kinds.h"
#include "tests/posix/looks.h"

namespace neffs::test::posix {
namespace {

constexpr long kTooLarge = std::numeric_limits<std::int64_t>::max();

Table lengths() {
  return {
      {"makes a file shorter", {file("a", "text"), truncate("a", 2), content("a", "te")}},
      {"makes a file longer with zeros",
       {file("a", "text"), truncate("a", 6), content("a", std::string("text\0\0", 6))}},
      {"what was cut off is zero when it comes back",
       {file("a", "text"), truncate("a", 1), truncate("a", 4),
        content("a", std::string("t\0\0\0", 4))}},
      {"by an open file",
       {file("a", "text"), hold("h", "a", O_RDWR), ftruncate("h", 2), content("a", "te"),
        ftruncate("h", 3), size("a", 3)}},
      {"leaves the offset where it was",
       {file("a", "text"), hold("h", "a", O_RDWR), read("h"), ftruncate("h", 0), offset("h", 4),
        write("h", "x"), content("a", std::string("\0\0\0\0x", 5))}},
      {"is seen by who has the file open",
       {file("a", "text"), hold("h", "a", O_RDONLY), held_content("h", "text"), truncate("a", 2),
        held_content("h", "te"), held_size("h", 2)}},
      {"by a file without a name",
       {file("a", "text"), hold("h", "a", O_RDWR), unlink("a"), ftruncate("h", 1),
        held_content("h", "t")}},
      {"follows a symlink",
       {file("a", "text"), symlink("a", "s"), truncate("s", 1), size("a", 1), kind("s", S_IFLNK)}},
      {"makes a large file of holes", {file("a"), truncate("a", 5L << 30U), size("a", 5L << 30U)}},
  };
}

Table refusals() {
  return {
      {"a negative length is EINVAL",
       {file("a", "text"), fails(EINVAL, truncate("a", -1)), hold("h", "a", O_RDWR),
        fails(EINVAL, ftruncate("h", -1)), content("a", "text")}},
      {"a length that no file can have is EFBIG",
       {file("a", "text"), fails(EFBIG, truncate("a", kTooLarge)), content("a", "text")}},
      {"a directory is EISDIR", {mkdir("d"), fails(EISDIR, truncate("d", 0))}},
      {"a fifo is EINVAL", {fifo("f"), fails(EINVAL, truncate("f", 0))}},
      {"an open directory is EINVAL",
       {mkdir("d"), hold("h", "d", O_RDONLY), fails(EINVAL, ftruncate("h", 0))}},
      {"without the right to write it is EACCES",
       {file("a", "text", 0644), as(kAlice, fails(EACCES, truncate("a", 0))),
        content("a", "text")}},
      {"the right to write is enough",
       {file("a", "text", 0622), as(kAlice, truncate("a", 0)), size("a", 0)}},
      {"an open file is truncated whatever the mode has become",
       {file("a", "text"), owned_by(kAlice, "a"),
        as(kAlice, all({hold("h", "a", O_RDWR), chmod("a", 0), ftruncate("h", 1)})), size("a", 1)}},
      {"a running program is ETXTBSY", {running("a"), fails(ETXTBSY, truncate("a", 0))}},
  };
}

Table times_and_bits() {
  return {
      {"changes both times",
       {file("a", "text"), touches(kBoth, "a", truncate("a", 2)),
        touches(kBoth, "a", truncate("a", 10))}},
      {"to the same length by a name changes both times on Linux",
       {file("a", "text"), touches(kBoth, "a", truncate("a", 4))}},
      {"by an open file changes both times",
       {file("a", "text"), hold("h", "a", O_RDWR), touches(kBoth, "a", ftruncate("h", 2)),
        touches(kBoth, "a", ftruncate("h", 2))}},
      {"changes no time of the directory",
       {file("a", "text"), touches(kNoTime, ".", truncate("a", 0))}},
      {"that is refused changes no time",
       {file("a", "text", 0644),
        touches(kNoTime, "a", as(kAlice, fails(EACCES, truncate("a", 0))))}},
      {"clears the set-id bits of an ordinary user's file",
       {file("a", "text"), owned_by(kAlice, "a"), chmod("a", 06755), as(kAlice, truncate("a", 2)),
        mode("a", 0755)}},
      {"by an open file clears them too",
       {file("a", "text"), owned_by(kAlice, "a"), chmod("a", 06755),
        as(kAlice, all({hold("h", "a", O_WRONLY), ftruncate("h", 2)})), mode("a", 0755)}},
      {"by root keeps the set-id bits",
       {file("a", "text"), chmod("a", 06755), truncate("a", 2), mode("a", 06755)}},
  };
}

}  // namespace

Table truncate_cases() {
  Table table = lengths();
  table += refusals();
  table += times_and_bits();
  return table;
}

}  // namespace neffs::test::posix
