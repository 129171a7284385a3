// open, with all of its flags.
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/posix/kinds.h"
#include "tests/posix/looks.h"

namespace neffs::test::posix {
namespace {

Table creating() {
  Table table = for_each(all_kinds(), "CREAT and EXCL leave a $", [](const Kind& each) -> Steps {
    return {each.make("a"), fails(EEXIST, open("a", O_CREAT | O_EXCL | O_WRONLY)),
            kind("a", each.type)};
  });
  table += {
      {"CREAT makes an empty file", {creat("a"), kind("a", S_IFREG), size("a", 0), links("a", 1)}},
      {"CREAT leaves what is there",
       {file("a", "text"), open("a", O_CREAT | O_RDWR), content("a", "text")}},
      {"CREAT gives the mode less the umask",
       {with_umask(027, open("a", O_CREAT | O_WRONLY, 0777)), mode("a", 0750),
        with_umask(0, open("b", O_CREAT | O_WRONLY, 0666)), mode("b", 0666)}},
      {"CREAT gives set-id bits and the sticky bit",
       {open("a", O_CREAT | O_WRONLY, 06755), mode("a", 06755),
        open("b", O_CREAT | O_WRONLY, 01644), mode("b", 01644)}},
      {"CREAT with mode 0 gives a file that is open all the same",
       {chmod(".", 0777),
        as(kAlice, all({hold("h", "a", O_CREAT | O_RDWR, 0), write("h", "text"),
                        held_content("h", "text"), fails(EACCES, open("a", O_RDONLY))})),
        mode("a", 0)}},
      {"a mode that forbids writing does not stop its maker",
       {chmod(".", 0777),
        as(kAlice, all({hold("h", "a", O_CREAT | O_WRONLY, 0444), write("h", "text")})),
        content("a", "text")}},
      {"a new file is its maker's",
       {chmod(".", 0777), as(kAlice, creat("a")), owner("a", kAlice.uid, kAlice.gid)}},
      {"CREAT follows a dangling symlink",
       {symlink("b", "a"), creat("a"), kind("a", S_IFLNK), kind("b", S_IFREG)}},
      {"CREAT and EXCL do not follow a dangling symlink",
       {symlink("b", "a"), fails(EEXIST, open("a", O_CREAT | O_EXCL | O_WRONLY)), absent("b")}},
      {"CREAT of a directory is EISDIR",
       {mkdir("d"), fails(EISDIR, open("d", O_CREAT | O_RDONLY)),
        fails(EISDIR, open("d/", O_CREAT | O_WRONLY)), fails(EISDIR, open("e/", O_CREAT))}},
      {"CREAT changes the times of the directory",
       {touches(kBoth, ".", creat("a")), touches(kNoTime, ".", creat("a"))}},
      {"CREAT in a directory that is gone is ENOENT",
       {mkdir("d"),
        in_another_process(all({chdir("d"), rmdir("../d"), fails(ENOENT, creat("a"))}))}},
      {"an exclusive name can be made again after its removal",
       {file("a"), unlink("a"), open("a", O_CREAT | O_EXCL | O_WRONLY), kind("a", S_IFREG)}},
  };
  return table;
}

Table kinds_of_files() {
  return {
      {"a directory is not opened for writing",
       {mkdir("d"), fails(EISDIR, open("d", O_WRONLY)), fails(EISDIR, open("d", O_RDWR)),
        fails(EISDIR, open("d", O_RDONLY | O_TRUNC))}},
      {"a directory is opened and not read",
       {mkdir("d"), hold("h", "d", O_RDONLY), fails(EISDIR, read("h"))}},
      {"DIRECTORY wants a directory",
       {file("a"), mkdir("d"), symlink("d", "s"), fails(ENOTDIR, open("a", O_DIRECTORY)),
        open("d", O_DIRECTORY), open("s", O_DIRECTORY)}},
      {"NOFOLLOW refuses a symlink",
       {file("a"), symlink("a", "s"), open("a", O_NOFOLLOW), fails(ELOOP, open("s", O_NOFOLLOW)),
        fails(ELOOP, open("s", O_NOFOLLOW | O_CREAT | O_WRONLY))}},
      {"NOFOLLOW and DIRECTORY refuse a symlink to a directory",
       {mkdir("d"), symlink("d", "s"), fails(ENOTDIR, open("s", O_NOFOLLOW | O_DIRECTORY))}},
      {"PATH opens even a symlink",
       {symlink("none", "s"), hold("h", "s", O_PATH | O_NOFOLLOW), fails(EBADF, read("h"))}},
      {"a fifo without a reader is ENXIO",
       {fifo("f"), fails(ENXIO, open("f", O_WRONLY | O_NONBLOCK)),
        open("f", O_RDONLY | O_NONBLOCK)}},
      {"a fifo takes bytes from one end to the other",
       {fifo("f"), hold("in", "f", O_RDONLY | O_NONBLOCK), hold("out", "f", O_WRONLY | O_NONBLOCK),
        write("out", "text"), read("in"), fails(ESPIPE, lseek("in", 0, SEEK_SET))}},
      {"a socket is ENXIO",
       {bind("s"), fails(ENXIO, open("s", O_RDONLY)), fails(ENXIO, open("s", O_RDWR))}},
      {"a running program is not opened for writing",
       {running("a"), fails(ETXTBSY, open("a", O_WRONLY)), fails(ETXTBSY, truncate("a", 0)),
        open("a", O_RDONLY)}},
      {"a file open for writing is not run",
       {file("a", "#!/bin/true\n", 0755), hold("h", "a", O_WRONLY), fails(ETXTBSY, execve("a"))}},
      {"a slash behind a file is ENOTDIR",
       {file("a"), fails(ENOTDIR, open("a/", O_RDONLY)), fails(ENOTDIR, open("a/.", O_RDONLY))}},
  };
}

Table truncating() {
  return {
      {"TRUNC empties a file", {file("a", "text"), open("a", O_WRONLY | O_TRUNC), size("a", 0)}},
      {"TRUNC keeps owner, mode and links",
       {file("a", "text", 0640), lchown("a", 5, 6), link("a", "b"), open("a", O_RDWR | O_TRUNC),
        owner("a", 5, 6), mode("a", 0640), size("b", 0), same("a", "b")}},
      {"TRUNC changes both times of the file and none of the directory",
       {file("a", "text"),
        touches(kNoTime, ".", touches(kBoth, "a", open("a", O_WRONLY | O_TRUNC)))}},
      {"TRUNC of an empty file changes both times too",
       {file("a"), touches(kBoth, "a", open("a", O_WRONLY | O_TRUNC))}},
      {"TRUNC without the right to write is EACCES",
       {file("a", "text", 0644), as(kAlice, fails(EACCES, open("a", O_RDONLY | O_TRUNC))),
        content("a", "text")}},
      {"TRUNC is seen by those who have the file open",
       {file("a", "text"), hold("h", "a", O_RDWR), creat("a"), held_size("h", 0), write("h", "new"),
        content("a", "new")}},
      {"CREAT and TRUNC empty a file by its other name",
       {file("a", "text"), link("a", "b"), creat("b"), size("a", 0)}},
      {"TRUNC clears the set-id bits of an ordinary user's file",
       {file("a", "text", 0755), owned_by(kAlice, "a"), chmod("a", 06755),
        as(kAlice, open("a", O_WRONLY | O_TRUNC)), mode("a", 0755)}},
  };
}

Table ways_of_access() {
  return {
      {"what is open for reading is not written",
       {file("a", "text"), hold("h", "a", O_RDONLY), fails(EBADF, write("h", "x")),
        fails(EINVAL, ftruncate("h", 0)), held_content("h", "text")}},
      {"what is open for writing is not read",
       {file("a", "text"), hold("h", "a", O_WRONLY), fails(EBADF, read("h"))}},
      {"an open file keeps its right when the mode is taken away",
       {file("a", "one", 0666), owned_by(kAlice, "a"),
        as(kAlice, all({hold("h", "a", O_RDWR), chmod("a", 0), fails(EACCES, open("a", O_RDONLY)),
                        write("h", "two"), held_content("h", "two")}))}},
      {"APPEND writes at the end, wherever one has sought",
       {file("a", "one"), hold("h", "a", O_WRONLY | O_APPEND), lseek("h", 0, SEEK_SET),
        write("h", "two"), content("a", "onetwo"), offset("h", 6)}},
      {"APPEND goes behind what others have written",
       {file("a"), hold("one", "a", O_WRONLY | O_APPEND), hold("two", "a", O_WRONLY | O_APPEND),
        write("one", "1"), write("two", "2"), write("one", "3"), content("a", "123")}},
      {"a positional write on Linux appends with APPEND",
       {file("a", "one"), hold("h", "a", O_WRONLY | O_APPEND), pwrite("h", "two", 0),
        content("a", "onetwo")}},
      {"NOATIME is for the owner",
       {file("a", "text", 0644), open("a", O_RDONLY | O_NOATIME),
        as(kAlice, fails(EPERM, open("a", O_RDONLY | O_NOATIME)))}},
      {"SYNC and DSYNC write as ever",
       {hold("h", "a", O_CREAT | O_WRONLY | O_SYNC), write("h", "one"),
        hold("g", "a", O_WRONLY | O_DSYNC | O_APPEND), write("g", "two"), content("a", "onetwo")}},
      {"opens of a file do not share an offset",
       {file("a", "text"), hold("one", "a", O_RDONLY), hold("two", "a", O_RDONLY), read("one"),
        offset("one", 4), offset("two", 0)}},
      {"a file of more than 4 GiB is seen whole",
       {file("a"), hold("h", "a", O_RDWR), pwrite("h", "end", 5L << 30U),
        size("a", (5L << 30U) + 3), lseek("h", 5L << 30U, SEEK_SET), read("h"),
        offset("h", (5L << 30U) + 3)}},
  };
}

Table rights() {
  Table table;
  for (const unsigned bits : {0000U, 0100U, 0200U, 0300U, 0400U, 0500U, 0600U, 0700U}) {
    const auto try_to = [bits](int flags, unsigned wanted) {
      const Step step = open("a", flags);
      return as(kAlice, (bits & wanted) == wanted ? step : fails(EACCES, step));
    };
    const std::string digit = std::to_string(bits / 64);
    for (const auto& [who, shift, user] :
         {std::tuple{"owner", 0U, kAlice}, std::tuple{"group", 3U, User{1, kAlice.gid}},
          std::tuple{"others", 6U, User{1, 1}}}) {
      table.push_back({std::string("the rights of ") + who + " are " + digit,
                       {file("a", "text"), owned_by(user, "a"), chmod("a", bits >> shift),
                        try_to(O_RDONLY, 0400), try_to(O_WRONLY, 0200), try_to(O_RDWR, 0600),
                        try_to(O_RDONLY | O_TRUNC, 0600)}});
    }
  }
  return table;
}

}  // namespace

Table open_cases() {
  Table table = creating();
  table += kinds_of_files();
  table += truncating();
  table += ways_of_access();
  table += rights();
  return table;
}

}  // namespace neffs::test::posix
