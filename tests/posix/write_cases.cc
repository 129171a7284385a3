// read, write, lseek, fsync, on files with several openers.
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/posix/kinds.h"
#include "tests/posix/looks.h"

namespace neffs::test::posix {
namespace {

Table bytes() {
  const std::string much(3'000'001, 'm');
  return {
      {"what is written is read", {file("a"), overwrite("a", "text"), content("a", "text")}},
      {"what is written is read by who has it open already",
       {file("a", "old"), hold("h", "a", O_RDONLY), held_content("h", "old"),
        overwrite("a", "newer"), held_content("h", "newer"), held_size("h", 5)}},
      {"two writers see each other",
       {file("a"), hold("one", "a", O_RDWR), hold("two", "a", O_RDWR), write("one", "ab"),
        pwrite("two", "B", 1), held_content("one", "aB"), held_content("two", "aB")}},
      {"a writer of another process is seen",
       {file("a", "old"), hold("h", "a", O_RDONLY), in_another_process(overwrite("a", "new")),
        held_content("h", "new")}},
      {"much is written in one call", {file("a"), overwrite("a", much), content("a", much)}},
      {"a write behind the end leaves zeros",
       {file("a", "x"), hold("h", "a", O_WRONLY), pwrite("h", "y", 4),
        content("a", std::string("x\0\0\0y", 5))}},
      {"a write over the end makes the file longer",
       {file("a", "text"), hold("h", "a", O_WRONLY), pwrite("h", "longer", 2), size("a", 8),
        content("a", "telonger")}},
      {"a write of nothing changes nothing",
       {file("a", "text"), hold("h", "a", O_WRONLY), touches(kNoTime, "a", write("h", "")),
        content("a", "text")}},
      {"a read at the end changes nothing",
       {file("a"), hold("h", "a", O_RDONLY), touches(kNoTime, "a", read("h")), offset("h", 0)}},
      {"a negative offset is EINVAL",
       {file("a"), hold("h", "a", O_RDWR), fails(EINVAL, pwrite("h", "x", -1)),
        fails(EINVAL, lseek("h", -1, SEEK_SET)), offset("h", 0)}},
      {"one can seek behind the end and nothing is there",
       {file("a", "text"), hold("h", "a", O_RDWR), lseek("h", 100, SEEK_SET), read("h"),
        offset("h", 100), size("a", 4)}},
      {"one seeks from the end that others have moved",
       {file("a", "text"), hold("h", "a", O_RDONLY), append("a", "more"), lseek("h", 0, SEEK_END),
        offset("h", 8)}},
      {"a directory is not read and not written",
       {mkdir("d"), hold("h", "d", O_RDONLY), fails(EISDIR, read("h")),
        fails(EBADF, write("h", "x"))}},
  };
}

Table times_and_bits() {
  return {
      {"a write changes both times of the file and none of the directory",
       {file("a", "text"), touches(kNoTime, ".", touches(kBoth, "a", overwrite("a", "more")))}},
      {"a write changes the times while the file is still open",
       {file("a", "text"), hold("h", "a", O_RDWR), touches(kBoth, "a", write("h", "more"))}},
      {"a read changes neither mtime nor ctime",
       {file("a", "text"), hold("h", "a", O_RDONLY), touches(kNoTime, "a", read("h"))}},
      {"an opening and closing for writing changes nothing",
       {file("a", "text"), touches(kNoTime, "a", open("a", O_RDWR))}},
      {"a write clears the set-id bits of an ordinary user's file",
       {file("a", "text"), owned_by(kAlice, "a"), chmod("a", 06755),
        as(kAlice, overwrite("a", "x")), mode("a", 0755)}},
      {"a write by somebody else clears them too",
       {file("a", "text"), chmod("a", 06777), as(kBob, overwrite("a", "x")), mode("a", 0777)}},
      {"a write by root keeps the set-id bits",
       {file("a", "text"), chmod("a", 06755), overwrite("a", "x"), mode("a", 06755)}},
      {"a set-gid bit without execution is no set-gid bit, and kept in the group",
       {file("a", "text"), owned_by(kAlice, "a"), chmod("a", 02644),
        as(kAlice, overwrite("a", "x")), mode("a", 02644)}},
      {"each write of an ordinary user clears them again",
       {file("a", "text"), owned_by(kAlice, "a"), chmod("a", 04755),
        as(kAlice, all({hold("h", "a", O_WRONLY), write("h", "x"), mode("a", 0755),
                        chmod("a", 04755), write("h", "y"), mode("a", 0755)}))}},
  };
}

Table syncing() {
  return {
      {"fsync and fdatasync work on a file",
       {file("a", "text"), hold("h", "a", O_RDWR), write("h", "more"), fdatasync("h"), fsync("h"),
        content("a", "more")}},
      {"fsync works on a file that is open for reading",
       {file("a", "text"), hold("h", "a", O_RDONLY), fsync("h"), fdatasync("h")}},
      {"fsync works on a directory",
       {mkdir("d"), file("d/f"), hold("h", "d", O_RDONLY), fsync("h"), fdatasync("h")}},
      {"fsync works on a file without a name",
       {file("a"), hold("h", "a", O_RDWR), unlink("a"), write("h", "x"), fsync("h")}},
      {"fsync of a fifo is EINVAL",
       {fifo("f"), hold("h", "f", O_RDONLY | O_NONBLOCK), fails(EINVAL, fsync("h"))}},
      {"fsync by PATH is EBADF", {file("a"), hold("h", "a", O_PATH), fails(EBADF, fsync("h"))}},
      {"fsync changes no time",
       {file("a", "text"), hold("h", "a", O_RDWR), touches(kNoTime, "a", fsync("h"))}},
  };
}

}  // namespace

Table write_cases() {
  Table table = bytes();
  table += times_and_bits();
  table += syncing();
  return table;
}

}  // namespace neffs::test::posix
