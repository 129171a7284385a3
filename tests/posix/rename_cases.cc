// rename and renameat2.
#include <stdio.h>
#include <sys/stat.h>

#include "tests/posix/kinds.h"
#include "tests/posix/looks.h"

namespace neffs::test::posix {
namespace {

Table of_each_kind() {
  Table table = for_each(all_kinds(), "a $ moves to a new name", [](const Kind& each) -> Steps {
    return {each.make("a"), rename("a", "b"), absent("a"), kind("b", each.type)};
  });
  table += for_each(all_kinds(), "a $ moves to another directory and keeps its inode",
                    [](const Kind& each) -> Steps {
                      return {mkdir("d"),
                              each.make("a"),
                              hold("a", "a", O_PATH | O_NOFOLLOW),
                              rename("a", "d/a"),
                              absent("a"),
                              kind("d/a", each.type),
                              names("d", {"a"}),
                              same_as_held("d/a", "a")};
                    });
  table += for_each(all_kinds(), "moving a $ changes its ctime and both directories' times",
                    [](const Kind& each) -> Steps {
                      return {mkdir("d"), each.make("a"),
                              touches(kBoth, ".", touches(kBoth, "d", rename("a", "d/b")))};
                    });
  table += for_each(kinds_but_directories(), "a file replaces a $", [](const Kind& each) -> Steps {
    return {file("new", "new"), each.make("old"),      rename("new", "old"),
            absent("new"),      content("old", "new"), links("old", 1)};
  });
  table +=
      for_each(kinds_but_directories(), "a file gives way to a $", [](const Kind& each) -> Steps {
        return {each.make("new"), file("old"), rename("new", "old"), absent("new"),
                kind("old", each.type)};
      });
  table += for_each(kinds_but_directories(), "a directory does not replace a $",
                    [](const Kind& each) -> Steps {
                      return {mkdir("d"), each.make("a"), fails(ENOTDIR, rename("d", "a")),
                              kind("d", S_IFDIR), kind("a", each.type)};
                    });
  table += for_each(kinds_but_directories(), "a $ does not replace a directory",
                    [](const Kind& each) -> Steps {
                      return {mkdir("d"), each.make("a"), fails(EISDIR, rename("a", "d")),
                              kind("d", S_IFDIR), kind("a", each.type)};
                    });
  table += for_each(all_kinds(), "a directory with a $ in it is not replaced",
                    [](const Kind& each) -> Steps {
                      return {mkdir("a"), mkdir("b"), each.make("b/in"),
                              fails(ENOTEMPTY, rename("a", "b")), names("b", {"in"})};
                    });
  return table;
}

Table files() {
  return {
      {"a name that is replaced loses a link",
       {file("a"), file("b"), link("b", "c"), rename("a", "b"), links("c", 1), links("b", 1)}},
      {"a file that is replaced while it is open stays readable",
       {file("a", "new"), file("b", "old"), hold("h", "b", O_RDONLY), rename("a", "b"),
        held_content("h", "old"), held_links("h", 0), content("b", "new")}},
      {"a file that is moved while it is open is written on",
       {file("a", "one "), hold("h", "a", O_WRONLY | O_APPEND), rename("a", "b"), write("h", "two"),
        content("b", "one two"), held_links("h", 1)}},
      {"a file with two names keeps both",
       {file("a"), link("a", "b"), rename("a", "c"), same("b", "c"), links("c", 2), absent("a")}},
      {"onto itself nothing happens",
       {file("a", "text"), touches(kNoTime, "a", touches(kNoTime, ".", rename("a", "a"))),
        content("a", "text")}},
      {"onto another name of the same file nothing happens",
       {file("a"), link("a", "b"), rename("a", "b"), kind("a", S_IFREG), kind("b", S_IFREG),
        links("a", 2)}},
      {"moves a file's attributes with it",
       {file("a", "text", 0640), lchown("a", 5, 6), setxattr("a", "user.x", "y"),
        utimens("a", 100, 200), rename("a", "b"), mode("b", 0640), owner("b", 5, 6),
        times("b", 100, 200), attribute("b", "user.x", "y")}},
      {"a symlink is moved, not what it points to",
       {file("a", "text"), symlink("a", "s"), rename("s", "t"), target("t", "a"),
        content("a", "text"), content("t", "text")}},
      {"a symlink is replaced, not what it points to",
       {file("a", "old"), file("b", "new"), symlink("a", "s"), rename("b", "s"), kind("s", S_IFREG),
        content("a", "old")}},
      {"a name with a trailing slash must be a directory",
       {file("a"), fails(ENOTDIR, rename("a/", "b")), fails(ENOTDIR, rename("a", "b/")),
        content("a", "")}},
      {"a rename back and forth leaves one name",
       {file("a", "text"), rename("a", "b"), rename("b", "a"), names(".", {"a"}),
        content("a", "text")}},
      {"the freed name can be made again",
       {file("a", "old"), rename("a", "b"), fails(ENOENT, open("a", O_RDONLY)), file("a", "new"),
        content("a", "new"), content("b", "old")}},
      {"changes ctime of the file",
       {file("a"), link("a", "other"), touches(kCtime, "other", rename("a", "b"))}},
      {"a refused rename changes no time",
       {file("a"), mkdir("d"), file("d/b"),
        touches(kNoTime, ".", touches(kNoTime, "d", fails(EISDIR, rename("a", "d"))))}},
      {"a running program is moved", {running("a"), rename("a", "b"), kind("b", S_IFREG)}},
  };
}

Table directories() {
  return {
      {"a directory takes what is in it along",
       {mkdir("a"), mkdir("a/d"), file("a/d/f", "text"), rename("a", "b"), content("b/d/f", "text"),
        absent("a"), absent("a/d/f")}},
      {"a directory replaces an empty one",
       {mkdir("a"), file("a/f"), mkdir("b"), rename("a", "b"), names("b", {"f"}), absent("a")}},
      {"a directory does not replace a full one",
       {mkdir("a"), mkdir("b"), file("b/f"), fails(ENOTEMPTY, rename("a", "b")),
        kind("a", S_IFDIR)}},
      {"a directory does not go into itself",
       {mkdir("a"), fails(EINVAL, rename("a", "a/b")), mkdir("a/d"),
        fails(EINVAL, rename("a", "a/d/e")), names("a", {"d"})}},
      {"a directory does not replace what it is in",
       {mkdir("a"), mkdir("a/b"), fails(ENOTEMPTY, rename("a/b", "a")), kind("a/b", S_IFDIR)}},
      {"dot and dot dot cannot be moved or replaced",
       {mkdir("d"), fails(EBUSY, rename("d/.", "e")), fails(EBUSY, rename("d/..", "e")),
        fails(EBUSY, rename("d", "d/.")), fails(EBUSY, rename("d", "d/.."))}},
      {"a moved directory has a new dot dot",
       {mkdir("a"), mkdir("b"), mkdir("a/d"), rename("a/d", "b/d"), same("b/d/..", "b"),
        different("b/d/..", "a")}},
      {"the links of both parents follow a directory",
       {mkdir("a"), mkdir("b"), mkdir("a/d"), links("a", 3), links("b", 2), rename("a/d", "b/d"),
        links("a", 2), links("b", 3)}},
      {"the links of a parent follow a directory that is replaced",
       {mkdir("p"), mkdir("p/a"), mkdir("p/b"), links("p", 4), rename("p/a", "p/b"),
        links("p", 3)}},
      {"a trailing slash is good for a directory",
       {mkdir("a"), rename("a/", "b/"), kind("b", S_IFDIR)}},
      {"a process stays in a directory that is moved",
       {mkdir("a"), file("a/f", "text"),
        in_another_process(all({chdir("a"), rename("../a", "../b"), content("f", "text"), file("g"),
                                chdir(".."), names("b", {"f", "g"})}))}},
      {"files below are open after the move",
       {mkdir("a"), file("a/f", "one "), hold("h", "a/f", O_WRONLY | O_APPEND), rename("a", "b"),
        write("h", "two"), content("b/f", "one two")}},
      {"a moved directory can be made again",
       {mkdir("a"), file("a/f"), rename("a", "b"), mkdir("a"), names("a", {}), names("b", {"f"})}},
  };
}

Table flags() {
  Table table = for_each(all_kinds(), "NOREPLACE leaves a $", [](const Kind& each) -> Steps {
    return {file("a"), each.make("b"), fails(EEXIST, renameat2("a", "b", RENAME_NOREPLACE)),
            kind("a", S_IFREG), kind("b", each.type)};
  });
  table += for_each(all_kinds(), "EXCHANGE swaps a file and a $", [](const Kind& each) -> Steps {
    return {file("a", "text"), each.make("b"), renameat2("a", "b", RENAME_EXCHANGE),
            kind("a", each.type), content("b", "text")};
  });
  table += {
      {"NOREPLACE moves to a free name",
       {file("a"), renameat2("a", "b", RENAME_NOREPLACE), absent("a"), kind("b", S_IFREG)}},
      {"NOREPLACE leaves the name itself",
       {file("a"), fails(EEXIST, renameat2("a", "a", RENAME_NOREPLACE))}},
      {"EXCHANGE needs both names",
       {file("a"), fails(ENOENT, renameat2("a", "b", RENAME_EXCHANGE)), kind("a", S_IFREG)}},
      {"EXCHANGE swaps full directories",
       {mkdir("a"), file("a/one"), mkdir("b"), file("b/two"), renameat2("a", "b", RENAME_EXCHANGE),
        names("a", {"two"}), names("b", {"one"})}},
      {"EXCHANGE does not put a directory into itself",
       {mkdir("a"), mkdir("a/b"), fails(EINVAL, renameat2("a", "a/b", RENAME_EXCHANGE)),
        fails(EINVAL, renameat2("a/b", "a", RENAME_EXCHANGE))}},
      {"EXCHANGE moves the links of parents along",
       {mkdir("p"), mkdir("q"), mkdir("p/d"), file("q/f"), renameat2("p/d", "q/f", RENAME_EXCHANGE),
        links("p", 2), links("q", 3)}},
      {"EXCHANGE and NOREPLACE exclude each other",
       {file("a"), file("b"),
        fails(EINVAL, renameat2("a", "b", RENAME_EXCHANGE | RENAME_NOREPLACE))}},
      {"an unknown flag is EINVAL", {file("a"), fails(EINVAL, renameat2("a", "b", 1U << 10U))}},
  };
  return table;
}

Table borders() {
  return {
      {"out of the filesystem is EXDEV",
       {file("a"), fails(EXDEV, rename("a", "/../outside")), kind("a", S_IFREG)}},
      {"a directory out of the filesystem is EXDEV",
       {mkdir("a"), fails(EXDEV, rename("a", "/../outside")), kind("a", S_IFDIR)}},
      {"the root is not moved and not replaced",
       {mkdir("d"), fails(EBUSY, rename("/", "/../elsewhere")), fails(EBUSY, rename("/.", "d")),
        fails(EBUSY, rename("d", "/.")), kind("d", S_IFDIR)}},
  };
}

}  // namespace

Table rename_cases() {
  Table table = of_each_kind();
  table += files();
  table += directories();
  table += flags();
  table += borders();
  return table;
}

}  // namespace neffs::test::posix
