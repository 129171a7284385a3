// flock, the locks of processes (fcntl), and those of open files (OFD).
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "tests/posix/kinds.h"
#include "tests/posix/looks.h"

namespace neffs::test::posix {
namespace {

Table flocks() {
  return {
      {"flock excludes another open of the file",
       {file("a"), hold("one", "a", O_RDWR), hold("two", "a", O_RDWR), flock("one", LOCK_EX),
        fails(EWOULDBLOCK, flock("two", LOCK_EX)), fails(EWOULDBLOCK, flock("two", LOCK_SH)),
        flock("one", LOCK_UN), flock("two", LOCK_EX)}},
      {"flock shares",
       {file("a"), hold("one", "a", O_RDONLY), hold("two", "a", O_RDONLY), flock("one", LOCK_SH),
        flock("two", LOCK_SH), fails(EWOULDBLOCK, flock("two", LOCK_EX))}},
      {"flock excludes another process",
       {file("a"), hold("h", "a", O_RDWR), flock("h", LOCK_EX),
        in_another_process(
            all({hold("other", "a", O_RDWR), fails(EWOULDBLOCK, flock("other", LOCK_EX))}))}},
      {"flock excludes another user",
       {file("a", "", 0666), hold("h", "a", O_RDWR), flock("h", LOCK_EX),
        as(kAlice,
           all({hold("other", "a", O_RDONLY), fails(EWOULDBLOCK, flock("other", LOCK_SH))})),
        close("h"), as(kAlice, all({hold("other", "a", O_RDONLY), flock("other", LOCK_SH)}))}},
      {"flock goes with the last close",
       {file("a"), hold("one", "a", O_RDWR), flock("one", LOCK_EX), close("one"),
        hold("two", "a", O_RDWR), flock("two", LOCK_EX)}},
      {"flock goes with the end of its process",
       {file("a"), in_another_process(all({hold("h", "a", O_RDWR), flock("h", LOCK_EX)})),
        hold("h", "a", O_RDWR), flock("h", LOCK_EX)}},
      {"flock is inherited and is the same",
       {file("a"), hold("h", "a", O_RDWR), flock("h", LOCK_EX),
        in_another_process(flock("h", LOCK_UN)), hold("other", "a", O_RDWR),
        flock("other", LOCK_EX)}},
      {"flock is turned from exclusive to shared and back",
       {file("a"), hold("one", "a", O_RDWR), hold("two", "a", O_RDWR), flock("one", LOCK_EX),
        flock("one", LOCK_SH), flock("two", LOCK_SH), fails(EWOULDBLOCK, flock("one", LOCK_EX))}},
      {"flock by another name of the file excludes",
       {file("a"), link("a", "b"), hold("one", "a", O_RDWR), hold("two", "b", O_RDWR),
        flock("one", LOCK_EX), fails(EWOULDBLOCK, flock("two", LOCK_EX))}},
      {"flock outlives a rename",
       {file("a"), hold("one", "a", O_RDWR), flock("one", LOCK_EX), rename("a", "b"),
        hold("two", "b", O_RDWR), fails(EWOULDBLOCK, flock("two", LOCK_EX))}},
      {"flock of a new file of the same name is free",
       {file("a"), hold("one", "a", O_RDWR), flock("one", LOCK_EX), unlink("a"), file("a"),
        hold("two", "a", O_RDWR), flock("two", LOCK_EX)}},
      {"flock works on directories",
       {mkdir("d"), hold("one", "d", O_RDONLY), hold("two", "d", O_RDONLY), flock("one", LOCK_EX),
        fails(EWOULDBLOCK, flock("two", LOCK_SH))}},
      {"flock keeps nobody from writing",
       {file("a"), hold("h", "a", O_RDWR), flock("h", LOCK_EX),
        in_another_process(overwrite("a", "text")), content("a", "text")}},
      {"flock and fcntl do not meet",
       {file("a"), hold("h", "a", O_RDWR), flock("h", LOCK_EX),
        in_another_process(all({hold("other", "a", O_RDWR), setlk("other", F_WRLCK)}))}},
  };
}

Table of_processes() {
  return {
      {"a lock excludes another process",
       {file("a"), hold("h", "a", O_RDWR), setlk("h", F_WRLCK),
        in_another_process(all({hold("other", "a", O_RDWR), fails(EAGAIN, setlk("other", F_WRLCK)),
                                fails(EAGAIN, setlk("other", F_RDLCK))}))}},
      {"a lock does not exclude its own process",
       {file("a"), hold("one", "a", O_RDWR), hold("two", "a", O_RDWR), setlk("one", F_WRLCK),
        setlk("two", F_WRLCK)}},
      {"locks for reading are shared",
       {file("a"), hold("h", "a", O_RDWR), setlk("h", F_RDLCK),
        in_another_process(all({hold("other", "a", O_RDWR), setlk("other", F_RDLCK),
                                fails(EAGAIN, setlk("other", F_WRLCK))}))}},
      {"ranges are locked apart",
       {file("a"), hold("h", "a", O_RDWR), setlk("h", F_WRLCK, 0, 10),
        in_another_process(all({hold("other", "a", O_RDWR), setlk("other", F_WRLCK, 10, 10),
                                fails(EAGAIN, setlk("other", F_WRLCK, 9, 1))}))}},
      {"a part is unlocked",
       {file("a"), hold("h", "a", O_RDWR), setlk("h", F_WRLCK, 0, 30), setlk("h", F_UNLCK, 10, 10),
        in_another_process(all({hold("other", "a", O_RDWR), setlk("other", F_WRLCK, 10, 10),
                                fails(EAGAIN, setlk("other", F_WRLCK, 20, 1))}))}},
      {"any close of the file gives them up",
       {file("a"), hold("one", "a", O_RDWR), setlk("one", F_WRLCK), open("a", O_RDONLY),
        in_another_process(all({hold("other", "a", O_RDWR), setlk("other", F_WRLCK)}))}},
      {"they are not inherited",
       {file("a"), hold("h", "a", O_RDWR), setlk("h", F_WRLCK),
        in_another_process(fails(EAGAIN, setlk("h", F_WRLCK)))}},
      {"a lock for writing needs a file open for writing",
       {file("a"), hold("r", "a", O_RDONLY), fails(EBADF, setlk("r", F_WRLCK)),
        hold("w", "a", O_WRONLY), fails(EBADF, setlk("w", F_RDLCK))}},
      {"a lock by another name of the file excludes",
       {file("a"), link("a", "b"), hold("h", "a", O_RDWR), setlk("h", F_WRLCK),
        in_another_process(
            all({hold("other", "b", O_RDWR), fails(EAGAIN, setlk("other", F_WRLCK))}))}},
  };
}

Table of_open_files() {
  return {
      {"an open file's lock excludes another open in the same process",
       {file("a"), hold("one", "a", O_RDWR), hold("two", "a", O_RDWR), ofd_setlk("one", F_WRLCK),
        fails(EAGAIN, ofd_setlk("two", F_WRLCK)), fails(EAGAIN, ofd_setlk("two", F_RDLCK)),
        ofd_setlk("one", F_UNLCK), ofd_setlk("two", F_WRLCK)}},
      {"an open file's lock outlives the close of another",
       {file("a"), hold("one", "a", O_RDWR), ofd_setlk("one", F_WRLCK), open("a", O_RDWR),
        hold("two", "a", O_RDWR), fails(EAGAIN, ofd_setlk("two", F_WRLCK))}},
      {"an open file's lock goes with its close",
       {file("a"), hold("one", "a", O_RDWR), ofd_setlk("one", F_WRLCK), close("one"),
        hold("two", "a", O_RDWR), ofd_setlk("two", F_WRLCK)}},
      {"an open file's lock and a process's meet",
       {file("a"), hold("h", "a", O_RDWR), ofd_setlk("h", F_WRLCK),
        in_another_process(
            all({hold("other", "a", O_RDWR), fails(EAGAIN, setlk("other", F_WRLCK))}))}},
      {"an open file's locks have ranges",
       {file("a"), hold("one", "a", O_RDWR), hold("two", "a", O_RDWR),
        ofd_setlk("one", F_WRLCK, 0, 10), ofd_setlk("two", F_WRLCK, 10, 10),
        fails(EAGAIN, ofd_setlk("two", F_RDLCK, 0, 1))}},
  };
}

}  // namespace

Table lock_cases() {
  Table table = flocks();
  table += of_processes();
  table += of_open_files();
  return table;
}

}  // namespace neffs::test::posix
