// Holes, fallocate and copy_file_range.
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/posix/kinds.h"
#include "tests/posix/looks.h"

namespace neffs::test::posix {
namespace {

constexpr long kBlock = 65536;  // no filesystem has larger ones

const std::string& block_of_text() {
  static const std::string block(kBlock, 't');
  return block;
}

// Text, a hole, text: a block each.
Step file_with_a_hole(const std::string& name) {
  return all({file(name), hold("sparse", name, O_RDWR), pwrite("sparse", block_of_text(), 0),
              pwrite("sparse", block_of_text(), 2 * kBlock)});
}

Step seek_gives(const std::string& handle, long from, int whence, long found) {
  return all({lseek(handle, from, whence), offset(handle, found)});
}

Table holes() {
  return {
      {"the data are found",
       {file_with_a_hole("a"), seek_gives("sparse", 0, SEEK_DATA, 0),
        seek_gives("sparse", kBlock, SEEK_DATA, 2 * kBlock)}},
      {"the holes are found",
       {file_with_a_hole("a"), seek_gives("sparse", 0, SEEK_HOLE, kBlock),
        seek_gives("sparse", kBlock + 1, SEEK_HOLE, kBlock + 1)}},
      {"the end is a hole",
       {file_with_a_hole("a"), seek_gives("sparse", 2 * kBlock, SEEK_HOLE, 3 * kBlock)}},
      {"behind the end is nothing",
       {file_with_a_hole("a"), fails(ENXIO, lseek("sparse", 3 * kBlock, SEEK_DATA)),
        fails(ENXIO, lseek("sparse", 3 * kBlock, SEEK_HOLE)),
        fails(ENXIO, lseek("sparse", -1, SEEK_DATA))}},
      {"behind the last data is no more",
       {file("a"), hold("h", "a", O_RDWR), ftruncate("h", kBlock),
        fails(ENXIO, lseek("h", 0, SEEK_DATA)), seek_gives("h", 0, SEEK_HOLE, 0)}},
  };
}

Table allocating() {
  constexpr int kPunch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  const std::string zeros(8, '\0');
  return {
      {"fallocate makes a file longer",
       {file("a", "text"), hold("h", "a", O_RDWR), fallocate("h", 0, 0, 12), size("a", 12),
        content("a", "text" + zeros)}},
      {"fallocate never makes a file shorter",
       {file("a", "text"), hold("h", "a", O_RDWR), fallocate("h", 0, 0, 2), content("a", "text")}},
      {"fallocate with KEEP_SIZE keeps the size",
       {file("a", "text"), hold("h", "a", O_RDWR), fallocate("h", FALLOC_FL_KEEP_SIZE, 0, kBlock),
        content("a", "text")}},
      {"a punched hole is zero",
       {file("a", "texttext"), hold("h", "a", O_RDWR), fallocate("h", kPunch, 2, 4),
        content("a", std::string("te\0\0\0\0xt", 8))}},
      {"a punched hole is found",
       {file("a"), hold("h", "a", O_RDWR), write("h", block_of_text()), write("h", block_of_text()),
        fallocate("h", kPunch, 0, kBlock), seek_gives("h", 0, SEEK_DATA, kBlock),
        size("a", 2 * kBlock)}},
      {"a hole is not punched without KEEP_SIZE",
       {file("a", "text"), hold("h", "a", O_RDWR),
        fails(EOPNOTSUPP, fallocate("h", FALLOC_FL_PUNCH_HOLE, 0, 2))}},
      {"a range is zeroed",
       {file("a", "texttext"), hold("h", "a", O_RDWR), fallocate("h", FALLOC_FL_ZERO_RANGE, 0, 8),
        content("a", zeros)}},
      {"a length of 0 and a negative offset are EINVAL",
       {file("a"), hold("h", "a", O_RDWR), fails(EINVAL, fallocate("h", 0, 0, 0)),
        fails(EINVAL, fallocate("h", 0, -1, 1)), fails(EINVAL, fallocate("h", 0, 0, -1))}},
      {"a file that is open for reading is EBADF",
       {file("a"), hold("h", "a", O_RDONLY), fails(EBADF, fallocate("h", 0, 0, 1))}},
      {"more than a file can be is EFBIG",
       {file("a"), hold("h", "a", O_RDWR), fails(EFBIG, fallocate("h", 0, 0x7fffffffffffffff, 1)),
        size("a", 0)}},
      {"fallocate changes both times",
       {file("a", "text"), hold("h", "a", O_RDWR), touches(kBoth, "a", fallocate("h", 0, 0, 12))}},
      {"a punched hole changes both times",
       {file("a", "text"), hold("h", "a", O_RDWR),
        touches(kBoth, "a", fallocate("h", kPunch, 0, 2))}},
      {"fallocate clears the set-id bits of an ordinary user's file",
       {file("a", "text"), owned_by(kAlice, "a"), chmod("a", 06755),
        as(kAlice, all({hold("h", "a", O_RDWR), fallocate("h", 0, 0, 12)})), mode("a", 0755)}},
      {"a file without a name is allocated",
       {file("a"), hold("h", "a", O_RDWR), unlink("a"), fallocate("h", 0, 0, 8),
        held_content("h", zeros)}},
  };
}

Table copying() {
  return {
      {"a range is copied",
       {file("a", "text"), file("b"), hold("from", "a", O_RDONLY), hold("to", "b", O_WRONLY),
        copy_file_range("from", "to", 3), content("b", "tex"), offset("from", 3), offset("to", 3)}},
      {"no more is copied than there is",
       {file("a", "text"), file("b"), hold("from", "a", O_RDONLY), hold("to", "b", O_WRONLY),
        copy_file_range("from", "to", 100), content("b", "text"),
        copy_file_range("from", "to", 100), content("b", "text")}},
      {"a range is copied within a file",
       {file("a", "text"), hold("from", "a", O_RDONLY), hold("to", "a", O_WRONLY),
        lseek("to", 4, SEEK_SET), copy_file_range("from", "to", 4), content("a", "texttext")}},
      {"ranges of a file that overlap are EINVAL",
       {file("a", "text"), hold("from", "a", O_RDONLY), hold("to", "a", O_WRONLY),
        lseek("to", 2, SEEK_SET), fails(EINVAL, copy_file_range("from", "to", 4))}},
      {"a wrong way of access is EBADF",
       {file("a", "text"), file("b"), hold("from", "a", O_WRONLY), hold("to", "b", O_RDONLY),
        fails(EBADF, copy_file_range("to", "to", 1)),
        fails(EBADF, copy_file_range("from", "from", 1))}},
      {"a target that appends is EBADF",
       {file("a", "text"), file("b"), hold("from", "a", O_RDONLY),
        hold("to", "b", O_WRONLY | O_APPEND), fails(EBADF, copy_file_range("from", "to", 1))}},
      {"a directory is EISDIR",
       {mkdir("d"), file("b"), hold("from", "d", O_RDONLY), hold("to", "b", O_WRONLY),
        fails(EISDIR, copy_file_range("from", "to", 1))}},
      {"changes both times of the target",
       {file("a", "text"), file("b"), hold("from", "a", O_RDONLY), hold("to", "b", O_WRONLY),
        touches(kNoTime, "a", touches(kBoth, "b", copy_file_range("from", "to", 4)))}},
      {"clears the set-id bits of an ordinary user's target",
       {file("a", "text"), file("b", "x"), owned_by(kAlice, "b"), chmod("b", 06755),
        as(kAlice, all({hold("from", "a", O_RDONLY), hold("to", "b", O_WRONLY),
                        copy_file_range("from", "to", 4)})),
        mode("b", 0755)}},
  };
}

}  // namespace

Table space_cases() {
  Table table = holes();
  table += allocating();
  table += copying();
  return table;
}

}  // namespace neffs::test::posix
