// chown, fchown and lchown.
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/posix/kinds.h"
#include "tests/posix/looks.h"

namespace neffs::test::posix {
namespace {

const User kInGroups{60003, 60003, {777, 778}};

Table of_each_kind() {
  Table table = for_each(all_kinds(), "a $ gets owner and group", [](const Kind& each) -> Steps {
    return {each.make("a"),   lchown("a", 5, 6),   owner("a", 5, 6), lchown("a", 7, -1),
            owner("a", 7, 6), lchown("a", -1, 8),  owner("a", 7, 8), lchown("a", -1, -1),
            owner("a", 7, 8), kind("a", each.type)};
  });
  table += for_each(
      all_kinds(), "the owner of a $ changes its ctime only", [](const Kind& each) -> Steps {
        return {each.make("a"), touches(kNoTime, ".", touches(kCtime, "a", lchown("a", 5, 6)))};
      });
  table +=
      for_each(all_kinds(), "a $ is not given away by its owner", [](const Kind& each) -> Steps {
        return {each.make("a"), owned_by(kAlice, "a"),
                touches(kNoTime, "a", as(kAlice, fails(EPERM, lchown("a", kBob.uid, -1)))),
                as(kAlice, fails(EPERM, lchown("a", -1, 777))), owner("a", kAlice.uid, kAlice.gid)};
      });
  table += for_each(all_kinds(), "a $ gets a group of its owner's", [](const Kind& each) -> Steps {
    return {each.make("a"),
            owned_by(kInGroups, "a"),
            as(kInGroups, lchown("a", -1, 777)),
            owner("a", kInGroups.uid, 777),
            as(kInGroups, lchown("a", kInGroups.uid, 778)),
            owner("a", kInGroups.uid, 778),
            as(kInGroups, fails(EPERM, lchown("a", -1, 779)))};
  });
  table +=
      for_each(all_kinds(), "a $ of somebody else's is not taken", [](const Kind& each) -> Steps {
        return {each.make("a"), owned_by(kAlice, "a"),
                as(kBob, fails(EPERM, lchown("a", kBob.uid, kBob.gid))),
                as(kBob, fails(EPERM, lchown("a", -1, kBob.gid))),
                owner("a", kAlice.uid, kAlice.gid)};
      });
  return table;
}

Table set_id_bits() {
  return {
      {"a program that is given away loses its set-id bits",
       {file("a"), chmod("a", 06755), chown("a", 5, 6), mode("a", 0755)}},
      {"a program whose owner changes its group loses them",
       {file("a"), owned_by(kInGroups, "a"), chmod("a", 06755), as(kInGroups, chown("a", -1, 777)),
        mode("a", 0755)}},
      {"chown to whom it belongs takes them too",
       {file("a"), chmod("a", 06755), chown("a", 0, 0), mode("a", 0755)}},
      {"a set-gid bit without execution stays",
       {file("a"), chmod("a", 06644), chown("a", 5, 6), mode("a", 02644)}},
      {"a directory keeps them",
       {mkdir("d"), chmod("d", 06755), chown("d", 5, 6), mode("d", 06755)}},
      {"the sticky bit stays", {file("a"), chmod("a", 01755), chown("a", 5, 6), mode("a", 01755)}},
      {"by an open file they go too",
       {file("a"), chmod("a", 06755), hold("h", "a", O_RDONLY), fchown("h", 5, 6),
        mode("a", 0755)}},
      {"a refused chown keeps them",
       {file("a"), owned_by(kAlice, "a"), chmod("a", 06755),
        as(kBob, fails(EPERM, chown("a", kBob.uid, -1))), mode("a", 06755)}},
  };
}

Table rules() {
  return {
      {"an open file changes hands",
       {file("a"), hold("h", "a", O_RDONLY), fchown("h", 5, 6), owner("a", 5, 6)}},
      {"chown follows a symlink and lchown does not",
       {file("a"), symlink("a", "s"), chown("s", 5, 6), lchown("s", 7, 8), owner("a", 5, 6),
        owner("s", 7, 8)}},
      {"nobody to nobody is allowed to the owner",
       {file("a"), owned_by(kAlice, "a"), as(kAlice, chown("a", -1, -1)),
        as(kAlice, chown("a", kAlice.uid, kAlice.gid)), owner("a", kAlice.uid, kAlice.gid)}},
      {"a new owner counts at once",
       {file("a", "text", 0600), as(kAlice, fails(EACCES, open("a", O_RDONLY))),
        owned_by(kAlice, "a"), as(kAlice, open("a", O_RDWR)), owned_by(kBob, "a"),
        as(kAlice, fails(EACCES, open("a", O_RDONLY)))}},
      {"a new owner may change the mode",
       {file("a"), owned_by(kAlice, "a"), as(kAlice, chmod("a", 0600)), owned_by(kBob, "a"),
        as(kAlice, fails(EPERM, chmod("a", 0644)))}},
      {"large ids are kept",
       {file("a"), chown("a", 4'000'000'000, 4'000'000'001),
        owner("a", 4'000'000'000, 4'000'000'001)}},
      {"two files of two owners stand side by side",
       {file("a"), file("b"), owned_by(kAlice, "a"), owned_by(kBob, "b"),
        owner("a", kAlice.uid, kAlice.gid), owner("b", kBob.uid, kBob.gid)}},
      {"a file made in a directory without set-gid has its maker's group",
       {directory("d", 0777), chown("d", 0, 777), as(kAlice, creat("d/a")),
        owner("d/a", kAlice.uid, kAlice.gid)}},
      {"a file made in a set-gid directory has the directory's group",
       {directory("d", 02777), chown("d", 0, 777), as(kAlice, creat("d/a")),
        owner("d/a", kAlice.uid, 777), mode("d/a", 0644)}},
      {"a program made in a set-gid directory by a stranger to the group has no set-gid bit",
       {directory("d", 02777), chown("d", 0, 777),
        as(kAlice, open("d/a", O_CREAT | O_WRONLY, 02755)), mode("d/a", 0755)}},
      {"a program made there by a member has it",
       {directory("d", 02777), chown("d", 0, 777),
        as(kInGroups, open("d/a", O_CREAT | O_WRONLY, 02755)), mode("d/a", 02755)}},
  };
}

}  // namespace

Table owner_cases() {
  Table table = of_each_kind();
  table += set_id_bits();
  table += rules();
  return table;
}

}  // namespace neffs::test::posix
