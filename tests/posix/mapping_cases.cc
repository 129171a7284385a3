// Files in memory.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tests/posix/kinds.h"
#include "tests/posix/looks.h"

namespace neffs::test::posix {
namespace {

constexpr int kReadWrite = PROT_READ | PROT_WRITE;
constexpr std::size_t kPage = 4096;

Table contents() {
  return {
      {"the bytes of the file are mapped",
       {file("a", "text"), hold("h", "a", O_RDONLY), mmap("h", kPage, PROT_READ, MAP_SHARED),
        mapped(0, "text"), mapped(4, std::string(100, '\0'))}},
      {"a store is read by read",
       {file("a", "text"), hold("h", "a", O_RDWR), mmap("h", kPage, kReadWrite, MAP_SHARED),
        store(1, "EX"), held_content("h", "tEXt"), content("a", "tEXt")}},
      {"a store is read by another process",
       {file("a", "text"), hold("h", "a", O_RDWR), mmap("h", kPage, kReadWrite, MAP_SHARED),
        store(1, "EX"), in_another_process(content("a", "tEXt"))}},
      {"a write is seen in the mapping",
       {file("a", "text"), hold("h", "a", O_RDWR), mmap("h", kPage, PROT_READ, MAP_SHARED),
        mapped(0, "text"), pwrite("h", "EX", 1), mapped(0, "tEXt"),
        in_another_process(overwrite("a", "T")), mapped(0, "TEXt")}},
      {"a private store stays private",
       {file("a", "text"), hold("h", "a", O_RDONLY), mmap("h", kPage, kReadWrite, MAP_PRIVATE),
        store(0, "mine"), mapped(0, "mine"), content("a", "text")}},
      {"a private mapping of a file without the right to write",
       {file("a", "text", 0444),
        as(kAlice, all({hold("h", "a", O_RDONLY), mmap("h", kPage, kReadWrite, MAP_PRIVATE),
                        store(0, "mine"), mapped(0, "mine")}))}},
      {"the mapping outlives the close",
       {file("a", "text"), hold("h", "a", O_RDWR), mmap("h", kPage, kReadWrite, MAP_SHARED),
        close("h"), store(0, "TE"), msync(), content("a", "TExt")}},
      {"the mapping outlives the name",
       {file("a", "text"), hold("h", "a", O_RDWR), mmap("h", kPage, kReadWrite, MAP_SHARED),
        close("h"), unlink("a"), file("a", "other"), mapped(0, "text"), content("a", "other")}},
      {"a store is in the file after the unmapping",
       {file("a", "text"), hold("h", "a", O_RDWR), mmap("h", kPage, kReadWrite, MAP_SHARED),
        store(0, "TE"), munmap(), close("h"), content("a", "TExt")}},
      {"what was written before is mapped",
       {file("a"), hold("h", "a", O_RDWR), write("h", "one"),
        mmap("h", kPage, kReadWrite, MAP_SHARED), mapped(0, "one"), pwrite("h", "two", 3),
        mapped(0, "onetwo"), store(0, "ONE"), content("a", "ONEtwo")}},
      {"a longer file shows in the mapping",
       {file("a", std::string(kPage, 'x')), hold("h", "a", O_RDWR),
        mmap("h", 2 * kPage, kReadWrite, MAP_SHARED), append("a", "more"), mapped(kPage, "more")}},
      {"a store does not make the file longer",
       {file("a", "text"), hold("h", "a", O_RDWR), mmap("h", kPage, kReadWrite, MAP_SHARED),
        store(4, "beyond"), msync(), size("a", 4), content("a", "text")}},
      {"a new file is mapped after ftruncate",
       {hold("h", "a", O_CREAT | O_RDWR), ftruncate("h", kPage),
        mmap("h", kPage, kReadWrite, MAP_SHARED), store(4090, "end"), munmap(), size("a", kPage),
        content("a", std::string(4090, '\0') + "end" + std::string(3, '\0'))}},
  };
}

Table rights_and_times() {
  return {
      {"a shared mapping for writing needs a file open for both",
       {file("a", "text"), hold("r", "a", O_RDONLY),
        fails(EACCES, mmap("r", kPage, kReadWrite, MAP_SHARED)), hold("w", "a", O_WRONLY),
        fails(EACCES, mmap("w", kPage, PROT_WRITE, MAP_SHARED)),
        fails(EACCES, mmap("w", kPage, PROT_READ, MAP_PRIVATE))}},
      {"a directory is not mapped",
       {mkdir("d"), hold("h", "d", O_RDONLY),
        fails(ENODEV, mmap("h", kPage, PROT_READ, MAP_SHARED))}},
      {"a length of 0 is EINVAL",
       {file("a", "text"), hold("h", "a", O_RDONLY),
        fails(EINVAL, mmap("h", 0, PROT_READ, MAP_SHARED))}},
      {"a file is mapped to run",
       {file("a", "text", 0755), hold("h", "a", O_RDONLY),
        mmap("h", kPage, PROT_READ | PROT_EXEC, MAP_PRIVATE), mapped(0, "text")}},
      {"a store changes both times by the time of msync",
       {file("a", "text"), hold("h", "a", O_RDWR), mmap("h", kPage, kReadWrite, MAP_SHARED),
        touches(kBoth, "a", all({store(0, "TE"), msync()}))}},
      {"a store changes both times by the time of close",
       {file("a", "text"),
        touches(kBoth, "a",
                all({hold("h", "a", O_RDWR), mmap("h", kPage, kReadWrite, MAP_SHARED),
                     store(0, "TE"), munmap(), close("h")}))}},
      {"reading the memory changes no mtime and no ctime",
       {file("a", "text"), hold("h", "a", O_RDONLY), mmap("h", kPage, PROT_READ, MAP_SHARED),
        touches(kNoTime, "a", mapped(0, "text"))}},
  };
}

}  // namespace

Table mapping_cases() {
  Table table = contents();
  table += rights_and_times();
  return table;
}

}  // namespace neffs::test::posix
