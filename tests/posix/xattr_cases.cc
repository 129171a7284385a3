// Extended attributes.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "tests/posix/kinds.h"
#include "tests/posix/looks.h"

namespace neffs::test::posix {
namespace {

Table values() {
  const std::string longest_name = "user." + std::string(250, 'n');
  return {
      {"a value is set, read and removed",
       {file("a"), setxattr("a", "user.x", "value"), attribute("a", "user.x", "value"),
        attributes("a", {"user.x"}), removexattr("a", "user.x"),
        fails(ENODATA, getxattr("a", "user.x")), attributes("a", {})}},
      {"a value is replaced",
       {file("a"), setxattr("a", "user.x", "long value"), setxattr("a", "user.x", "v"),
        attribute("a", "user.x", "v")}},
      {"a value may be empty, and any bytes",
       {file("a"), setxattr("a", "user.x", ""), attribute("a", "user.x", ""),
        setxattr("a", "user.y", std::string("\0\n\377", 3)),
        attribute("a", "user.y", std::string("\0\n\377", 3))}},
      {"CREATE leaves what is there",
       {file("a"), setxattr("a", "user.x", "old", XATTR_CREATE),
        fails(EEXIST, setxattr("a", "user.x", "new", XATTR_CREATE)),
        attribute("a", "user.x", "old")}},
      {"REPLACE makes nothing new",
       {file("a"), fails(ENODATA, setxattr("a", "user.x", "v", XATTR_REPLACE)), attributes("a", {}),
        setxattr("a", "user.x", "old"), setxattr("a", "user.x", "new", XATTR_REPLACE),
        attribute("a", "user.x", "new")}},
      {"many are kept apart",
       {file("a"), setxattr("a", "user.x", "1"), setxattr("a", "user.y", "2"),
        setxattr("a", "user.z", "3"), attributes("a", {"user.x", "user.y", "user.z"}),
        removexattr("a", "user.y"), attributes("a", {"user.x", "user.z"}),
        attribute("a", "user.z", "3")}},
      {"what is not there is ENODATA",
       {file("a"), fails(ENODATA, getxattr("a", "user.x")),
        fails(ENODATA, removexattr("a", "user.x"))}},
      {"a name of 255 bytes is good, and of 256 ERANGE",
       {file("a"), setxattr("a", longest_name, "v"), attribute("a", longest_name, "v"),
        fails(ERANGE, setxattr("a", longest_name + "n", "v"))}},
      {"a value over 64 KiB is E2BIG",
       {file("a"), fails(E2BIG, setxattr("a", "user.x", std::string(65537, 'v')))}},
      {"a value of a kilobyte is kept",
       {file("a"), setxattr("a", "user.x", std::string(1000, 'v')),
        attribute("a", "user.x", std::string(1000, 'v'))}},
      {"too small a buffer is ERANGE",
       {file("a"), setxattr("a", "user.x", "value"), fails(ERANGE, getxattr_into("a", "user.x", 2)),
        fails(ERANGE, listxattr_into("a", 2))}},
      {"a name of no class is EOPNOTSUPP",
       {file("a"), fails(EOPNOTSUPP, setxattr("a", "noclass.x", "v")),
        fails(EOPNOTSUPP, setxattr("a", "x", "v"))}},
      {"an open file has them",
       {file("a"), hold("h", "a", O_RDONLY), fsetxattr("h", "user.x", "v"),
        attribute("a", "user.x", "v"), held_attribute("h", "user.x", "v")}},
      {"they follow the file's names",
       {file("a"), setxattr("a", "user.x", "v"), link("a", "b"), attribute("b", "user.x", "v"),
        rename("a", "c"), attribute("c", "user.x", "v")}},
      {"a new file of the name has none",
       {file("a"), setxattr("a", "user.x", "v"), unlink("a"), file("a"), attributes("a", {})}},
      {"they change ctime only",
       {file("a"), touches(kCtime, "a", setxattr("a", "user.x", "v")),
        touches(kNoTime, "a", getxattr("a", "user.x")),
        touches(kCtime, "a", removexattr("a", "user.x"))}},
  };
}

Table kinds_and_rights() {
  return {
      {"directories have them",
       {mkdir("d"), setxattr("d", "user.x", "v"), attribute("d", "user.x", "v"),
        attributes("d", {"user.x"})}},
      {"user attributes are for files and directories alone",
       {fifo("f"), fails(EPERM, setxattr("f", "user.x", "v")), symlink("none", "s"),
        fails(EPERM, lsetxattr("s", "user.x", "v"))}},
      {"a fifo, a socket and a symlink have trusted ones",
       {fifo("f"), setxattr("f", "trusted.x", "v"), attribute("f", "trusted.x", "v"), bind("k"),
        setxattr("k", "trusted.x", "v"), attribute("k", "trusted.x", "v"), symlink("none", "s"),
        lsetxattr("s", "trusted.x", "v"), attribute("s", "trusted.x", "v")}},
      {"a symlink has no user attribute, and its target's are read through it",
       {file("a"), setxattr("a", "user.x", "v"), symlink("a", "s"), getxattr("s", "user.x"),
        fails(ENODATA, lgetxattr("s", "user.x"))}},
      {"reading needs the right to read, writing that to write",
       {file("a", "", 0644), setxattr("a", "user.x", "v"), as(kAlice, getxattr("a", "user.x")),
        as(kAlice, fails(EACCES, setxattr("a", "user.x", "w"))), chmod("a", 0622),
        as(kAlice, fails(EACCES, getxattr("a", "user.x"))),
        as(kAlice, setxattr("a", "user.x", "w")), attribute("a", "user.x", "w")}},
      {"trusted ones are root's",
       {file("a", "", 0666), setxattr("a", "trusted.x", "v"), attribute("a", "trusted.x", "v"),
        as(kAlice, fails(EPERM, setxattr("a", "trusted.x", "w"))),
        as(kAlice, fails(ENODATA, getxattr("a", "trusted.x")))}},
      {"in a sticky directory that is another's the owner alone sets them",
       {directory("d", 01777), as(kAlice, fails(EPERM, setxattr("d", "user.x", "v"))),
        setxattr("d", "user.x", "v")}},
      {"security ones are root's to set and everybody's to read",
       {file("a", "", 0666), setxattr("a", "security.x", "v"),
        as(kAlice, fails(EPERM, setxattr("a", "security.x", "w"))),
        as(kAlice, attribute("a", "security.x", "v"))}},
  };
}

}  // namespace

Table xattr_cases() {
  Table table = values();
  table += kinds_and_rights();
  return table;
}

}  // namespace neffs::test::posix
