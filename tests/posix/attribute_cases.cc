// What stat, fstat, statx and statfs tell.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "tests/posix/kinds.h"
#include "tests/posix/looks.h"

namespace neffs::test::posix {
namespace {

struct stat stat_of(Place& at, const std::string& name) {
  struct stat st {};
  ::lstat(at.path(name).c_str(), &st);
  return st;
}

Step blocks_follow_the_bytes() {
  return check("blocks", [](Place& at) {
    const auto full = stat_of(at, "full").st_blocks;
    const auto sparse = stat_of(at, "sparse").st_blocks;
    const bool is_good = full >= 1'000'000 / 512 && sparse < full / 2;
    return is_good ? "" : fmt::format("full {}, sparse {}", full, sparse);
  });
}

Step block_size_is_usable() {
  return check("block size", [](Place& at) {
    const auto size = stat_of(at, "a").st_blksize;
    return size >= 512 ? "" : fmt::format("{}", size);
  });
}

Step one_device() {
  return check("device", [](Place& at) {
    const dev_t device = stat_of(at, ".").st_dev;
    const bool is_good = stat_of(at, "a").st_dev == device && stat_of(at, "d").st_dev == device &&
                         stat_of(at, "/.").st_dev == device;
    return is_good ? "" : std::string("not one");
  });
}

Step statx_agrees() {
  return check("statx", [](Place& at) {
    const struct stat st = stat_of(at, "a");
    struct statx stx {};
    if (::statx(AT_FDCWD, "a", AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &stx) != 0)
      return std::string("refused");
    const bool is_same = stx.stx_ino == st.st_ino && stx.stx_mode == st.st_mode &&
                         stx.stx_size == static_cast<std::uint64_t>(st.st_size) &&
                         stx.stx_nlink == st.st_nlink && stx.stx_uid == st.st_uid &&
                         stx.stx_mtime.tv_sec == st.st_mtim.tv_sec;
    return is_same ? "" : std::string("other than stat");
  });
}

Step statvfs_makes_sense() {
  return check("statvfs", [](Place&) {
    struct statvfs st {};
    if (::statvfs(".", &st) != 0) return std::string("refused");
    const bool is_good = st.f_namemax == 255 && st.f_bsize >= 512 && st.f_blocks >= st.f_bfree &&
                         st.f_bfree >= st.f_bavail && st.f_blocks > 0;
    return is_good ? "" : fmt::format("{} {} {}", st.f_namemax, st.f_bsize, st.f_blocks);
  });
}

}  // namespace

Table attribute_cases() {
  Table table = for_each(all_kinds(), "a $ has an inode of its own", [](const Kind& each) -> Steps {
    return {each.make("a"),
            file("b"),
            different("a", "b"),
            kind("a", each.type),
            hold("h", "a", O_PATH | O_NOFOLLOW),
            same_as_held("a", "h")};
  });
  table += {
      {"stat follows a symlink and lstat does not",
       {file("a", "text"), symlink("a", "s"), stat("s"), kind("s", S_IFLNK), symlink("none", "t"),
        fails(ENOENT, stat("t")), lstat("t")}},
      {"the size follows every write",
       {file("a"), size("a", 0), hold("h", "a", O_RDWR), write("h", "text"), size("a", 4),
        held_size("h", 4), append("a", "more"), size("a", 8), held_size("h", 8),
        in_another_process(truncate("a", 1)), size("a", 1), held_size("h", 1)}},
      {"blocks follow the bytes",
       {file("full", std::string(1'000'000, 'x')), file("sparse"), truncate("sparse", 1'000'000),
        hold("h", "full", O_RDWR), fsync("h"), blocks_follow_the_bytes()}},
      {"blocks of I O are usable", {file("a"), block_size_is_usable()}},
      {"all is on one device", {file("a"), mkdir("d"), one_device()}},
      {"statx agrees with stat", {file("a", "text"), statx_agrees()}},
      {"statfs tells of a disk", {statvfs_makes_sense()}},
      {"inodes stay when files are written and moved",
       {file("a"), hold("h", "a", O_RDONLY), overwrite("a", "text"), chmod("a", 0600),
        same_as_held("a", "h"), rename("a", "b"), same_as_held("b", "h")}},
      {"dot and dot dot are the directory and its parent",
       {mkdir("d"), mkdir("d/e"), same("d/.", "d"), same("d/e/..", "d"), same("d/e/../..", "."),
        same("./d/../d", "d")}},
      {"many slashes are one",
       {mkdir("d"), file("d/a", "text"), content("d///a", "text"), content(".//d/./a", "text")}},
      {"names of one byte and of UTF-8 are names",
       {file("x"), file("\xc3\xa4\xe6\xbc\xa2"), file("-"), file("~"), file("a b"),
        kind("\xc3\xa4\xe6\xbc\xa2", S_IFREG), kind("a b", S_IFREG)}},
      {"the nlink of a directory counts the directories in it and no files",
       {mkdir("d"), links("d", 2), file("d/a"), links("d", 2), mkdir("d/e"), mkdir("d/f"),
        links("d", 4), symlink("e", "d/s"), links("d", 4), rename("d/f", "f"), links("d", 3)}},
      {"the root is its own parent in no filesystem that is mounted", {different("/..", "/.")}},
  };
  return table;
}

}  // namespace neffs::test::posix
