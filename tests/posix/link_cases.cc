// link, symlink and readlink.
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/posix/kinds.h"
#include "tests/posix/looks.h"

namespace neffs::test::posix {
namespace {

Table hard_links_of_each_kind() {
  Table table =
      for_each(kinds_but_directories(), "a $ gets a second name", [](const Kind& each) -> Steps {
        return {each.make("a"),         mkdir("d"),    link("a", "d/b"), same("a", "d/b"),
                kind("d/b", each.type), links("a", 2), links("d/b", 2)};
      });
  table += for_each(kinds_but_directories(), "a second name of a $ changes its ctime",
                    [](const Kind& each) -> Steps {
                      return {mkdir("d"), each.make("a"),
                              touches(kCtime, "a", touches(kBoth, "d", link("a", "d/b")))};
                    });
  table += for_each(all_kinds(), "link does not replace a $", [](const Kind& each) -> Steps {
    return {file("new"), each.make("a"), fails(EEXIST, link("new", "a")), kind("a", each.type),
            links("new", 1)};
  });
  return table;
}

Table hard_links() {
  return {
      {"what is written by one name is read by the other",
       {file("a", "old"), link("a", "b"), overwrite("b", "new"), content("a", "new"),
        append("a", "er"), content("b", "newer"), size("b", 5)}},
      {"mode, owner, times and attributes are the same by all names",
       {file("a"), link("a", "b"), chmod("b", 0600), lchown("b", 5, 6), utimens("b", 100, 200),
        setxattr("b", "user.x", "y"), mode("a", 0600), owner("a", 5, 6), times("a", 100, 200),
        attribute("a", "user.x", "y")}},
      {"the size is cut by all names",
       {file("a", "text"), link("a", "b"), truncate("a", 1), size("b", 1), content("b", "t")}},
      {"one name is open while the other is written",
       {file("a", "old"), link("a", "b"), hold("h", "a", O_RDONLY), overwrite("b", "new"),
        held_content("h", "new")}},
      {"both names are open",
       {file("a"), link("a", "b"), hold("one", "a", O_RDWR), hold("two", "b", O_RDWR),
        write("one", "x"), held_content("two", "x"), held_links("two", 2)}},
      {"names come and go",
       {file("a"), link("a", "b"), link("b", "c"), links("a", 3), unlink("a"), links("c", 2),
        unlink("b"), links("c", 1), link("c", "a"), same("a", "c")}},
      {"the link of an open file is counted",
       {file("a"), hold("h", "a", O_RDONLY), held_links("h", 1), link("a", "b"), held_links("h", 2),
        unlink("a"), held_links("h", 1)}},
      {"a directory has no second name",
       {mkdir("d"), fails(EPERM, link("d", "e")), absent("e"), links("d", 2)}},
      {"a symlink itself gets the name, and its target does not",
       {file("a"), symlink("a", "s"), link("s", "t"), kind("t", S_IFLNK), target("t", "a"),
        links("a", 1)}},
      {"onto itself is EEXIST", {file("a"), fails(EEXIST, link("a", "a"))}},
      {"a slash behind a file is ENOTDIR",
       {file("a"), fails(ENOTDIR, link("a/", "b")), fails(ENOENT, link("a", "b/"))}},
      {"out of the filesystem is EXDEV", {file("a"), fails(EXDEV, link("a", "/../outside"))}},
      {"by its descriptor an open file gets a name",
       {file("a", "text"), hold("h", "a", O_RDONLY), linkat_of("h", "b"), same("a", "b")}},
      {"somebody else's file that cannot be written gets no name",
       {chmod(".", 0777), file("a"), as(kAlice, fails(EPERM, link("a", "b")))}},
      {"one's own file does",
       {chmod(".", 0777), as(kAlice, all({creat("a"), link("a", "b")})),
        owner("b", kAlice.uid, kAlice.gid), links("a", 2)}},
      {"a directory that may not be written gets no name",
       {file("a", "", 0666), owned_by(kAlice, "a"), as(kAlice, fails(EACCES, link("a", "b")))}},
      {"a refused link changes no time",
       {file("a"), file("b"),
        touches(kNoTime, "a", touches(kNoTime, ".", fails(EEXIST, link("a", "b"))))}},
  };
}

}  // namespace

Table link_cases() {
  Table table = hard_links_of_each_kind();
  table += hard_links();
  return table;
}

Table symlink_cases() {
  const std::string longest(4095, 't');
  Table table =
      for_each(all_kinds(), "symlink does not replace a $", [](const Kind& each) -> Steps {
        return {each.make("a"), fails(EEXIST, symlink("b", "a")), kind("a", each.type)};
      });
  table += for_each(kinds_but_directories(), "readlink of a $ that is none is EINVAL",
                    [](const Kind& each) -> Steps {
                      if (each.type == S_IFLNK) return {each.make("a"), readlink("a")};
                      return {each.make("a"), fails(EINVAL, readlink("a"))};
                    });
  table += {
      {"holds any text",
       {symlink("no such: %s\n\\", "s"), target("s", "no such: %s\n\\"), kind("s", S_IFLNK),
        links("s", 1)}},
      {"is as long as its text", {symlink("12345", "s"), size("s", 5)}},
      {"has all rights", {with_umask(077, symlink("a", "s")), mode("s", 0777)}},
      {"of 4095 bytes is good", {symlink(longest, "s"), target("s", longest), size("s", 4095)}},
      {"of 4096 bytes is ENAMETOOLONG", {fails(ENAMETOOLONG, symlink(longest + "t", "s"))}},
      {"to nothing is ENOENT", {fails(ENOENT, symlink("", "s")), absent("s")}},
      {"changes both times of the directory", {touches(kBoth, ".", symlink("a", "s"))}},
      {"is its maker's",
       {chmod(".", 0777), as(kAlice, symlink("a", "s")), owner("s", kAlice.uid, kAlice.gid)}},
      {"in a set-gid directory has the group",
       {directory("d", 02777), chown("d", 0, 777), as(kAlice, symlink("a", "d/s")),
        owner("d/s", kAlice.uid, 777)}},
      {"to a file is read through", {file("a", "text"), symlink("a", "s"), content("s", "text")}},
      {"to a directory is walked through",
       {mkdir("d"), file("d/a", "text"), symlink("d", "s"), content("s/a", "text"),
        file("s/b", "more"), content("d/b", "more"), names("s/", {"a", "b"})}},
      {"is counted from where it is",
       {mkdir("d"), file("a", "text"), symlink("../a", "d/s"), content("d/s", "text")}},
      {"chains of them are followed",
       {file("a", "text"), symlink("a", "s"), symlink("s", "t"), symlink("t", "u"),
        content("u", "text")}},
      {"may lead out", {symlink("/proc/self/status", "s"), open("s", O_RDONLY)}},
      {"follows its target to a new file",
       {file("a", "old"), symlink("a", "s"), unlink("a"), fails(ENOENT, open("s", O_RDONLY)),
        file("a", "new"), content("s", "new")}},
      {"a directory is no symlink", {mkdir("d"), fails(EINVAL, readlink("d"))}},
      {"chown changes what it points to, lchown itself",
       {file("a"), symlink("a", "s"), chown("s", 5, 6), owner("a", 5, 6), owner("s", 0, 0),
        lchown("s", 7, 8), owner("a", 5, 6), owner("s", 7, 8)}},
      {"reading it changes no mtime and no ctime",
       {symlink("a", "s"), touches(kNoTime, "s", readlink("s"))}},
  };
  return table;
}

}  // namespace neffs::test::posix
