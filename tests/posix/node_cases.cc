// mknod, mkfifo and sockets: names that hold no bytes.
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "tests/posix/kinds.h"
#include "tests/posix/looks.h"

namespace neffs::test::posix {
namespace {

std::vector<Kind> made_by_mknod() {
  std::vector<Kind> kinds;
  for (const auto& [title, type] :
       {std::pair{"file", S_IFREG}, std::pair{"fifo", S_IFIFO}, std::pair{"socket", S_IFSOCK},
        std::pair{"character device", S_IFCHR}, std::pair{"block device", S_IFBLK}})
    kinds.push_back({title, static_cast<unsigned>(type), [type = type](const std::string& name) {
                       return mknod(name, static_cast<unsigned>(type) | 0777U, kDevice);
                     }});
  return kinds;
}

Table nodes() {
  Table table = for_each(made_by_mknod(), "a $ is made", [](const Kind& each) -> Steps {
    return {touches(kBoth, ".", each.make("a")), kind("a", each.type), links("a", 1), size("a", 0),
            owner("a", 0, 0)};
  });
  table +=
      for_each(made_by_mknod(), "a $ has its mode less the umask", [](const Kind& each) -> Steps {
        return {with_umask(027, each.make("a")), mode("a", 0750), with_umask(0, each.make("b")),
                mode("b", 0777)};
      });
  table +=
      for_each(made_by_mknod(), "a $ gets mode, owner and times", [](const Kind& each) -> Steps {
        return {each.make("a"),       chmod("a", 0640),    mode("a", 0640),
                chown("a", 5, 6),     owner("a", 5, 6),    utimens("a", 100, 200),
                times("a", 100, 200), kind("a", each.type)};
      });
  table += for_each(all_kinds(), "mknod does not replace a $", [](const Kind& each) -> Steps {
    return {each.make("a"), fails(EEXIST, mknod("a", S_IFIFO | 0644)),
            fails(EEXIST, mknod("a", S_IFREG | 0644)), kind("a", each.type)};
  });
  return table;
}

}  // namespace

Table node_cases() {
  Table table = nodes();
  table += {
      {"devices keep their numbers",
       {mknod("c", S_IFCHR | 0600, ::makedev(12, 345)), device("c", ::makedev(12, 345)),
        mknod("b", S_IFBLK | 0600, ::makedev(1, 70000)), device("b", ::makedev(1, 70000))}},
      {"type 0 is a file", {mknod("a", 0644), kind("a", S_IFREG), mode("a", 0644)}},
      {"a directory is not made so", {fails(EPERM, mknod("d", S_IFDIR | 0755)), absent("d")}},
      {"a symlink is not made so", {fails(EINVAL, mknod("s", S_IFLNK | 0755)), absent("s")}},
      {"users make files, fifos and sockets",
       {chmod(".", 0777), as(kAlice, all({mknod("a", S_IFREG | 0644), fifo("f"), bind("s")})),
        owner("a", kAlice.uid, kAlice.gid), owner("f", kAlice.uid, kAlice.gid),
        owner("s", kAlice.uid, kAlice.gid)}},
      {"users make no devices",
       {chmod(".", 0777), as(kAlice, fails(EPERM, mknod("c", S_IFCHR | 0644, kDevice))),
        as(kAlice, fails(EPERM, mknod("b", S_IFBLK | 0644, kDevice)))}},
      {"in a set-gid directory a fifo has the group",
       {directory("d", 02777), chown("d", 0, 777), as(kAlice, fifo("d/f")),
        owner("d/f", kAlice.uid, 777)}},
      {"a directory that may not be written is EACCES",
       {as(kAlice, fails(EACCES, fifo("f"))), as(kAlice, fails(EACCES, mknod("a", S_IFREG))),
        as(kAlice, fails(EACCES, bind("s")))}},
      {"a bound name is not bound again", {bind("s"), fails(EADDRINUSE, bind("s"))}},
      {"a slash behind the name is ENOENT", {fails(ENOENT, fifo("f/"))}},
      {"a fifo made by one process is used by another",
       {fifo("f"), hold("in", "f", O_RDONLY | O_NONBLOCK),
        in_another_process(overwrite("f", "text")), read("in")}},
      {"a made file is written and read",
       {mknod("a", S_IFREG | 0644), overwrite("a", "text"), content("a", "text")}},
  };
  return table;
}

}  // namespace neffs::test::posix
