// Who may do what: owner, group, supplementary groups, others, in files and directories.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/posix/kinds.h"
#include "tests/posix/looks.h"

namespace neffs::test::posix {
namespace {

struct Change {
  const char* title;
  Step before;  // by root
  Step call;
};

// Each of them changes the names of directory "d".
std::vector<Change> changes_of_a_directory() {
  const Step free = all({});
  const Step taken = all({file("d/x", "", 0666), owned_by(kAlice, "d/x")});
  const Step outside = all({directory("e", 0777), file("e/x", "", 0666), owned_by(kAlice, "e/x")});
  return {{"open to create", free, creat("d/x")},
          {"mkdir", free, mkdir("d/x")},
          {"mkfifo", free, fifo("d/x")},
          {"symlink", free, symlink("a", "d/x")},
          {"link to", outside, link("e/x", "d/x")},
          {"rename to", outside, rename("e/x", "d/x")},
          {"rename from", all({outside, unlink("e/x"), taken}), rename("d/x", "e/x")},
          {"rename in it", taken, rename("d/x", "d/y")},
          {"unlink", taken, unlink("d/x")},
          {"rmdir", all({mkdir("d/x"), owned_by(kAlice, "d/x")}), rmdir("d/x")}};
}

Table directories() {
  Table table;
  for (const Change& change : changes_of_a_directory()) {
    const Step good = as(kAlice, change.call);
    const Step bad = as(kAlice, fails(EACCES, change.call));
    const std::string title = change.title;
    const auto in_directory = [&](const User& user, unsigned bits, const Step& step) -> Steps {
      return {directory("d", 0777), change.before, owned_by(user, "d"), chmod("d", bits), step};
    };
    const User group{1, kAlice.gid};
    const User stranger{1, 1};
    table += {
        {title + " needs its owner's w and x", in_directory(kAlice, 0300, good)},
        {title + " does not do with its owner's w", in_directory(kAlice, 0200, bad)},
        {title + " does not do with its owner's r and x", in_directory(kAlice, 0577, bad)},
        {title + " needs its group's w and x", in_directory(group, 0030, good)},
        {title + " does not do with its group's r and x", in_directory(group, 0757, bad)},
        {title + " needs the others' w and x", in_directory(stranger, 0003, good)},
        {title + " does not do with the others' r and x", in_directory(stranger, 0775, bad)},
        {title + " is root's always", in_directory(stranger, 0, change.call)},
        {title + " that is refused changes no time",
         {directory("d", 0777), change.before, chmod("d", 0755), touches(kNoTime, "d", bad)}},
    };
  }
  return table;
}

Table groups() {
  const User member{60003, 60003, {701, 702, 703}};
  return {
      {"a supplementary group reads",
       {file("a", "text", 0640), chown("a", 0, 703), as(member, open("a", O_RDONLY)),
        as(member, fails(EACCES, open("a", O_WRONLY))), as(kAlice, fails(EACCES, open("a", 0)))}},
      {"a supplementary group writes in a directory",
       {directory("d", 0070), chown("d", 0, 702), as(member, creat("d/a")),
        owner("d/a", member.uid, member.gid), as(kAlice, fails(EACCES, creat("d/b")))}},
      {"the owner's rights count for the owner, though the group has more",
       {file("a", "text", 0070), chown("a", static_cast<long>(member.uid), 701),
        as(member, fails(EACCES, open("a", O_RDONLY)))}},
      {"the group's rights count for a member, though the others have more",
       {file("a", "text", 0707), chown("a", 0, 701),
        as(member, fails(EACCES, open("a", O_RDONLY)))}},
      {"a member of the group does not own",
       {file("a", "text", 0660), chown("a", 0, 701), as(member, overwrite("a", "x")),
        as(member, fails(EPERM, chmod("a", 0666))), as(member, fails(EPERM, utimens("a", 1, 2)))}},
      {"two users share a file through a group",
       {directory("d", 02770), chown("d", 0, 701),
        as(member, with_umask(002, open("d/a", O_CREAT | O_WRONLY, 0666))),
        as(User{60004, 60004, {701}}, overwrite("d/a", "text")), content("d/a", "text")}},
  };
}

Table searching() {
  return {
      {"a directory with x alone is walked through and not listed",
       {directory("d", 0711), file("d/a", "text"), as(kAlice, content("d/a", "text")),
        as(kAlice, fails(EACCES, opendir("d")))}},
      {"a directory with r alone is listed and not walked through",
       {directory("d", 0744), file("d/a", "text"), as(kAlice, opendir("d")),
        as(kAlice, names("d", {"a"})), as(kAlice, fails(EACCES, open("d/a", O_RDONLY))),
        as(kAlice, fails(EACCES, lstat("d/a")))}},
      {"stat needs no right to the file itself",
       {file("a", "text", 0), as(kAlice, stat("a")), as(kAlice, size("a", 4))}},
      {"a search that is forbidden hides whether a name is there",
       {directory("d", 0700), as(kAlice, fails(EACCES, lstat("d/none"))),
        as(kAlice, fails(EACCES, creat("d/none")))}},
      {"a directory that was entered stays, and what is in it follows its mode",
       {directory("d", 0777), file("d/a", "text"), owned_by(kAlice, "d"),
        as(kAlice,
           all({chdir("d"), hold("h", ".", O_RDONLY), fchmod("h", 0),
                fails(EACCES, open("a", O_RDONLY)), fchmod("h", 0700), open("a", O_RDONLY)}))}},
      {"write access is needed to move a directory to another, for its dot dot",
       {directory("p", 0777), directory("q", 0777), mkdir("p/d", 0755), owned_by(kBob, "p/d"),
        as(kAlice, rename("p/d", "p/e")), as(kAlice, fails(EACCES, rename("p/e", "q/e"))),
        chmod("p/e", 0777), as(kAlice, rename("p/e", "q/e"))}},
  };
}

Table asking() {
  Table table;
  for (const unsigned bits : {0U, 1U, 2U, 3U, 4U, 5U, 6U, 7U}) {
    Steps steps{file("a"), chmod("a", bits)};
    for (const int rights : {R_OK, W_OK, X_OK, R_OK | W_OK, R_OK | X_OK, R_OK | W_OK | X_OK}) {
      const Step ask = access("a", rights);
      const bool is_good = (bits & static_cast<unsigned>(rights)) == static_cast<unsigned>(rights);
      steps.push_back(as(kAlice, is_good ? ask : fails(EACCES, ask)));
    }
    table.push_back({"access tells the rights " + std::to_string(bits), steps});
  }
  table += {
      {"root reads and writes anything, and runs what anybody may run",
       {file("a", "", 0), access("a", R_OK | W_OK), fails(EACCES, access("a", X_OK)),
        chmod("a", 0001), access("a", X_OK)}},
      {"root searches any directory", {directory("d", 0), access("d", R_OK | W_OK | X_OK)}},
      {"access of what is there", {file("a", "", 0), as(kAlice, access("a", F_OK))}},
      {"rights that there are not are EINVAL", {file("a"), fails(EINVAL, access("a", 8))}},
  };
  return table;
}

}  // namespace

Table permission_cases() {
  Table table = directories();
  table += groups();
  table += searching();
  table += asking();
  return table;
}

}  // namespace neffs::test::posix
