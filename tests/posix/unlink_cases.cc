// unlink, and what is left of a file that is still open.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tests/posix/kinds.h"
#include "tests/posix/looks.h"

namespace neffs::test::posix {
namespace {

Table names_that_go() {
  Table table = for_each(kinds_but_directories(), "a $ is removed", [](const Kind& each) -> Steps {
    return {each.make("a"), touches(kBoth, ".", unlink("a")), absent("a"), names(".", {})};
  });
  table += for_each(
      kinds_but_directories(), "a $ with two names keeps one", [](const Kind& each) -> Steps {
        return {
            each.make("a"), link("a", "b"),       links("b", 2), touches(kCtime, "b", unlink("a")),
            absent("a"),    kind("b", each.type), links("b", 1)};
      });
  table += {
      {"a directory is EISDIR", {mkdir("d"), fails(EISDIR, unlink("d")), kind("d", S_IFDIR)}},
      {"a symlink goes and its target stays",
       {file("a"), symlink("a", "s"), unlink("s"), absent("s"), kind("a", S_IFREG)}},
      {"a symlink to a directory goes",
       {mkdir("d"), symlink("d", "s"), fails(ENOTDIR, unlink("s/")), unlink("s"), absent("s"),
        kind("d", S_IFDIR)}},
      {"a slash behind a file is ENOTDIR", {file("a"), fails(ENOTDIR, unlink("a/"))}},
      {"a name does not go twice", {file("a"), unlink("a"), fails(ENOENT, unlink("a"))}},
      {"a file that may not be written goes",
       {directory("d", 0777), file("d/a", "", 0), as(kAlice, unlink("d/a")), absent("d/a")}},
      {"a running program goes", {running("a"), unlink("a"), absent("a")}},
      {"a refused unlink changes no time",
       {mkdir("d"), touches(kNoTime, ".", fails(EISDIR, unlink("d")))}},
      {"a name is free at once",
       {file("a", "old"), hold("h", "a", O_RDONLY), unlink("a"), file("a", "new"),
        content("a", "new"), held_content("h", "old")}},
      {"a name is free for a directory", {file("a"), unlink("a"), mkdir("a"), kind("a", S_IFDIR)}},
  };
  return table;
}

Table files_without_a_name() {
  Table table = for_each(kinds_but_directories(), "a $ that is held by PATH is seen on",
                         [](const Kind& each) -> Steps {
                           return {each.make("a"), hold("h", "a", O_PATH | O_NOFOLLOW), unlink("a"),
                                   held_links("h", 0)};
                         });
  table += {
      {"an open file is read and written on",
       {file("a", "one"), hold("h", "a", O_RDWR), unlink("a"), held_links("h", 0),
        held_content("h", "one"), pwrite("h", "two", 3), held_content("h", "onetwo")}},
      {"two opens of it see each other",
       {file("a"), hold("one", "a", O_RDWR), hold("two", "a", O_RDWR), unlink("a"),
        write("one", "text"), held_content("two", "text")}},
      {"its size is cut and grows",
       {file("a", "text"), hold("h", "a", O_RDWR), unlink("a"), ftruncate("h", 1),
        held_size("h", 1), ftruncate("h", 10), held_size("h", 10)}},
      {"its mode and owner are changed",
       {file("a"), hold("h", "a", O_RDWR), unlink("a"), fchmod("h", 0600), fchown("h", 5, 6),
        held_mode("h", 0600)}},
      {"it has attributes",
       {file("a"), hold("h", "a", O_RDWR), unlink("a"), fsetxattr("h", "user.x", "y"),
        held_attribute("h", "user.x", "y")}},
      {"it is mapped",
       {file("a", "text"), hold("h", "a", O_RDWR), unlink("a"),
        mmap("h", 4096, PROT_READ | PROT_WRITE, MAP_SHARED), mapped(0, "text"), store(0, "TE"),
        msync(), held_content("h", "TExt")}},
      {"it is locked",
       {file("a"), hold("h", "a", O_RDWR), unlink("a"), flock("h", LOCK_EX), setlk("h", F_WRLCK)}},
      {"it is opened again by its descriptor",
       {file("a", "text"), hold("h", "a", O_RDWR), unlink("a"), reopen("again", "h", O_RDWR),
        held_content("again", "text"), write("again", "TE"), held_content("h", "TExt")}},
      {"it gets no name again",
       {file("a"), hold("h", "a", O_RDWR), unlink("a"), fails(ENOENT, linkat_of("h", "b"))}},
      {"it keeps its last name's other",
       {file("a", "text"), link("a", "b"), hold("h", "a", O_RDWR), unlink("a"), held_links("h", 1),
        write("h", "TE"), content("b", "TExt")}},
      {"the directory around it goes",
       {mkdir("d"), file("d/a", "text"), hold("h", "d/a", O_RDWR), unlink("d/a"), rmdir("d"),
        held_content("h", "text")}},
      {"a fifo goes on",
       {fifo("f"), hold("in", "f", O_RDONLY | O_NONBLOCK), hold("out", "f", O_WRONLY | O_NONBLOCK),
        unlink("f"), write("out", "text"), read("in"), fchmod("in", 0600), held_mode("in", 0600),
        held_links("in", 0)}},
      {"what was replaced goes on",
       {file("a"), file("b", "old"), hold("h", "b", O_RDWR), rename("a", "b"), fchmod("h", 0600),
        held_mode("h", 0600), futimens("h", 1000, 2000), fsetxattr("h", "user.x", "y"),
        held_attribute("h", "user.x", "y"), mode("b", 0644), attributes("b", {})}},
  };
  return table;
}

}  // namespace

Table unlink_cases() {
  Table table = names_that_go();
  table += files_without_a_name();
  return table;
}

}  // namespace neffs::test::posix
