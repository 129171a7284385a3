// chmod, and the set-id bits that some calls clear.
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/posix/kinds.h"
#include "tests/posix/looks.h"

namespace neffs::test::posix {
namespace {

std::vector<Kind> kinds_with_modes() {
  auto kinds = all_kinds();
  std::erase_if(kinds, [](const Kind& each) { return each.type == S_IFLNK; });
  return kinds;
}

Table modes() {
  Table table = for_each(kinds_with_modes(), "a $ gets any mode", [](const Kind& each) -> Steps {
    Steps steps{each.make("a")};
    for (const unsigned bits : {0U, 0111U, 0222U, 0444U, 0777U, 01000U, 02000U, 04000U, 07777U})
      steps.insert(steps.end(), {chmod("a", bits), mode("a", bits)});
    return steps;
  });
  table += for_each(
      kinds_with_modes(), "the mode of a $ changes its ctime only", [](const Kind& each) -> Steps {
        return {each.make("a"), touches(kNoTime, ".", touches(kCtime, "a", chmod("a", 0711)))};
      });
  table += for_each(kinds_with_modes(), "the mode of a $ is its owner's to change",
                    [](const Kind& each) -> Steps {
                      return {each.make("a"),
                              owned_by(kAlice, "a"),
                              as(kAlice, chmod("a", 0700)),
                              mode("a", 0700),
                              touches(kNoTime, "a", as(kBob, fails(EPERM, chmod("a", 0777)))),
                              mode("a", 0700)};
                    });
  return table;
}

Table rules() {
  const User in_group{60003, 60003, {777}};
  return {
      {"the same mode again changes ctime",
       {file("a", "", 0644), touches(kCtime, "a", chmod("a", 0644))}},
      {"an open file gets a mode",
       {file("a"), hold("h", "a", O_RDONLY), fchmod("h", 0600), mode("a", 0600)}},
      {"chmod follows a symlink",
       {file("a"), symlink("a", "s"), chmod("s", 0600), mode("a", 0600), mode("s", 0777)}},
      {"an owner without the group gets no set-gid bit",
       {file("a"), chown("a", static_cast<long>(kAlice.uid), 777), as(kAlice, chmod("a", 02755)),
        mode("a", 0755)}},
      {"an owner with the supplementary group gets it",
       {file("a"), chown("a", static_cast<long>(in_group.uid), 777),
        as(in_group, chmod("a", 02755)), mode("a", 02755)}},
      {"an owner keeps the set-uid bit",
       {file("a"), owned_by(kAlice, "a"), as(kAlice, chmod("a", 04755)), mode("a", 04755)}},
      {"an owner gets the sticky bit on files and directories",
       {file("a"), mkdir("d"), owned_by(kAlice, "a"), owned_by(kAlice, "d"),
        as(kAlice, all({chmod("a", 01644), chmod("d", 01755)})), mode("a", 01644),
        mode("d", 01755)}},
      {"the group may not change the mode",
       {file("a", "", 0664), chown("a", 0, 777), as(in_group, fails(EPERM, chmod("a", 0666)))}},
      {"an open file keeps what it was opened for",
       {file("a", "text"), owned_by(kAlice, "a"),
        as(kAlice,
           all({hold("h", "a", O_RDONLY), chmod("a", 0), held_content("h", "text"),
                fails(EACCES, open("a", O_RDONLY)), chmod("a", 0600), open("a", O_RDWR)}))}},
      {"a mode counts at once for others",
       {file("a", "text", 0644), as(kAlice, open("a", O_RDONLY)), chmod("a", 0600),
        as(kAlice, fails(EACCES, open("a", O_RDONLY))), chmod("a", 0644),
        as(kAlice, open("a", O_RDONLY))}},
      {"the mode of a directory counts at once for what is in it",
       {directory("d", 0755), file("d/a", "text"), as(kAlice, open("d/a", O_RDONLY)),
        chmod("d", 0700), as(kAlice, fails(EACCES, open("d/a", O_RDONLY))), chmod("d", 0755),
        as(kAlice, open("d/a", O_RDONLY))}},
      {"a program is run by who may, and not by who may not",
       {running("a"), link("a", "b"), chmod("b", 0700), as(kAlice, fails(EACCES, execve("b"))),
        chmod("b", 0755), as(kAlice, access("b", X_OK))}},
      {"a directory keeps its set-gid bit when its owner's mode changes",
       {directory("d", 02755), owned_by(kAlice, "d"), as(kAlice, chmod("d", 02700)),
        mode("d", 02700)}},
  };
}

}  // namespace

Table mode_cases() {
  Table table = modes();
  table += rules();
  return table;
}

}  // namespace neffs::test::posix
