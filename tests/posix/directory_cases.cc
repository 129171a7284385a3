// mkdir and rmdir.
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/posix/kinds.h"
#include "tests/posix/looks.h"

namespace neffs::test::posix {
namespace {

Table making() {
  Table table = for_each(all_kinds(), "mkdir leaves a $", [](const Kind& each) -> Steps {
    return {each.make("a"), fails(EEXIST, mkdir("a")), kind("a", each.type)};
  });
  table += {
      {"mkdir makes an empty directory",
       {mkdir("d"), kind("d", S_IFDIR), names("d", {}), links("d", 2), same("d/..", ".")}},
      {"mkdir takes the umask into account",
       {with_umask(027, mkdir("a", 0777)), mode("a", 0750), with_umask(0, mkdir("b", 0777)),
        mode("b", 0777), with_umask(0777, mkdir("c", 0777)), mode("c", 0)}},
      {"mkdir gives the sticky bit", {mkdir("d", 01755), mode("d", 01755)}},
      {"mkdir gives no set-id bits", {mkdir("d", 06755), mode("d", 0755)}},
      {"mkdir adds a link to the parent",
       {links(".", 2), mkdir("a"), links(".", 3), mkdir("b"), links(".", 4)}},
      {"mkdir changes both times of the parent", {touches(kBoth, ".", mkdir("d"))}},
      {"a refused mkdir changes none",
       {mkdir("d"), touches(kNoTime, ".", fails(EEXIST, mkdir("d")))}},
      {"a new directory is its maker's",
       {chmod(".", 0777), as(kAlice, mkdir("d")), owner("d", kAlice.uid, kAlice.gid)}},
      {"in a set-gid directory it has the group and the bit",
       {directory("p", 02777), chown("p", 0, 777), as(kAlice, mkdir("p/d")),
        owner("p/d", kAlice.uid, 777), mode("p/d", 02755)}},
      {"mkdir takes a trailing slash", {mkdir("d/"), kind("d", S_IFDIR)}},
      {"mkdir does not follow a dangling symlink",
       {symlink("none", "s"), fails(EEXIST, mkdir("s")), fails(EEXIST, mkdir("s/")),
        absent("none")}},
      {"dot and dot dot are there",
       {fails(EEXIST, mkdir(".")), fails(EEXIST, mkdir("..")), fails(EEXIST, mkdir("/"))}},
      {"in a directory that is gone is ENOENT",
       {mkdir("d"),
        in_another_process(all({chdir("d"), rmdir("../d"), fails(ENOENT, mkdir("e"))}))}},
      {"a removed directory can be made again",
       {mkdir("d"), file("d/f"), unlink("d/f"), rmdir("d"), mkdir("d"), names("d", {})}},
  };
  return table;
}

Table removing() {
  Table table = for_each(
      all_kinds(), "a directory with a $ in it is not removed", [](const Kind& each) -> Steps {
        return {mkdir("d"), each.make("d/a"), fails(ENOTEMPTY, rmdir("d")), kind("d/a", each.type)};
      });
  table +=
      for_each(kinds_but_directories(), "rmdir does not remove a $", [](const Kind& each) -> Steps {
        return {each.make("a"), fails(ENOTDIR, rmdir("a")), kind("a", each.type)};
      });
  table += {
      {"rmdir removes an empty directory", {mkdir("d"), rmdir("d"), absent("d"), names(".", {})}},
      {"rmdir takes a link from the parent",
       {mkdir("a"), mkdir("b"), links(".", 4), rmdir("a"), links(".", 3), rmdir("b"),
        links(".", 2)}},
      {"rmdir changes both times of the parent", {mkdir("d"), touches(kBoth, ".", rmdir("d"))}},
      {"a refused rmdir changes none",
       {mkdir("d"), mkdir("d/e"), touches(kNoTime, ".", fails(ENOTEMPTY, rmdir("d")))}},
      {"a directory with a hidden file is not empty",
       {mkdir("d"), file("d/.hidden"), fails(ENOTEMPTY, rmdir("d")), unlink("d/.hidden"),
        rmdir("d")}},
      {"dot is EINVAL", {mkdir("d"), fails(EINVAL, rmdir("d/.")), fails(EINVAL, rmdir("."))}},
      {"dot dot is ENOTEMPTY",
       {mkdir("d"), mkdir("d/e"), fails(ENOTEMPTY, rmdir("d/e/..")), kind("d", S_IFDIR)}},
      {"a symlink to a directory is ENOTDIR",
       {mkdir("d"), symlink("d", "s"), fails(ENOTDIR, rmdir("s")), fails(ENOTDIR, rmdir("s/"))}},
      {"rmdir takes a trailing slash", {mkdir("d"), rmdir("d/"), absent("d")}},
      {"the mountpoint is busy", {fails(EBUSY, rmdir("/"))}},
      {"a directory that is a process's own is removed",
       {mkdir("d"),
        in_another_process(
            all({chdir("d"), rmdir("../d"), fails(ENOENT, mkdir("x")), fails(ENOENT, creat("x"))})),
        absent("d")}},
      {"an open directory without a name has no links",
       {mkdir("d"), hold("h", "d", O_RDONLY), rmdir("d"), held_links("h", 0)}},
      {"an open directory without a name is changed and synced",
       {mkdir("d"), hold("h", "d", O_RDONLY), rmdir("d"), fchmod("h", 0700), held_mode("h", 0700),
        fchown("h", 5, 6), futimens("h", 1000, 2000), fsetxattr("h", "user.x", "y"), fsync("h")}},
      {"a process sees the directory it is in when that has no name",
       {mkdir("d"), in_another_process(all({chdir("d"), rmdir("../d"), stat("."), links(".", 0),
                                            chmod(".", 0700), names(".", {})}))}},
      {"a directory of another user in one's own is removed when it is empty",
       {directory("p", 0777), mkdir("p/d"), as(kAlice, rmdir("p/d")), absent("p/d")}},
  };
  return table;
}

}  // namespace

Table directory_cases() {
  Table table = making();
  table += removing();
  return table;
}

}  // namespace neffs::test::posix
