// Access control lists: those of a file, and those that a directory gives to what is made in it.
#include <fcntl.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/stat.h>

#include <cstring>

#include "tests/posix/kinds.h"
#include "tests/posix/looks.h"

namespace neffs::test::posix {
namespace {

constexpr const char* kAccess = "system.posix_acl_access";
constexpr const char* kDefault = "system.posix_acl_default";

// One line of a list: "user:60001:rw-" is {ACL_USER, 6, 60001}.
struct Entry {
  unsigned tag;
  unsigned rights;
  unsigned id = static_cast<unsigned>(ACL_UNDEFINED_ID);
};

// The bytes that the attribute has, all little-endian; the entries in the order of their tags.
std::string acl(const std::vector<Entry>& entries) {
  std::string bytes(sizeof(posix_acl_xattr_header) + entries.size() * sizeof(posix_acl_xattr_entry),
                    '\0');
  posix_acl_xattr_header header{};
  header.a_version = POSIX_ACL_XATTR_VERSION;
  std::memcpy(bytes.data(), &header, sizeof header);
  char* next = bytes.data() + sizeof header;
  for (const Entry& entry : entries) {
    posix_acl_xattr_entry raw{};
    raw.e_tag = static_cast<__le16>(entry.tag);
    raw.e_perm = static_cast<__le16>(entry.rights);
    raw.e_id = entry.id;
    std::memcpy(next, &raw, sizeof raw);
    next += sizeof raw;
  }
  return bytes;
}

// Owner rw, Alice `user`, the group `group`, mask `mask`, others nothing.
std::string list(unsigned user, unsigned group, unsigned mask, unsigned others = 0) {
  return acl({{ACL_USER_OBJ, 6},
              {ACL_USER, user, kAlice.uid},
              {ACL_GROUP_OBJ, group},
              {ACL_MASK, mask},
              {ACL_OTHER, others}});
}

std::string list_of_a_group(unsigned rights, unsigned gid) {
  return acl({{ACL_USER_OBJ, 6},
              {ACL_GROUP_OBJ, 0},
              {ACL_GROUP, rights, gid},
              {ACL_MASK, 7},
              {ACL_OTHER, 0}});
}

// As above with x for directories.
std::string walkable(unsigned user, unsigned mask, unsigned others = 0) {
  return acl({{ACL_USER_OBJ, 7},
              {ACL_USER, user, kAlice.uid},
              {ACL_GROUP_OBJ, 5},
              {ACL_MASK, mask},
              {ACL_OTHER, others}});
}

Table of_files() {
  const User member{60003, 60003, {777}};
  return {
      {"a list grants",
       {file("a", "text", 0600), as(kAlice, fails(EACCES, open("a", O_RDONLY))),
        setxattr("a", kAccess, list(4, 0, 4)), as(kAlice, open("a", O_RDONLY)),
        as(kAlice, fails(EACCES, open("a", O_WRONLY))),
        as(kBob, fails(EACCES, open("a", O_RDONLY)))}},
      {"a list denies",
       {file("a", "text", 0644), setxattr("a", kAccess, list(0, 4, 4, 4)),
        as(kAlice, fails(EACCES, open("a", O_RDONLY))), as(kBob, open("a", O_RDONLY))}},
      {"a mask limits users and groups",
       {file("a", "text", 0600), setxattr("a", kAccess, list(6, 6, 4)),
        as(kAlice, open("a", O_RDONLY)), as(kAlice, fails(EACCES, open("a", O_WRONLY)))}},
      {"a group in a list is granted its rights",
       {file("a", "text", 0600), setxattr("a", kAccess, list_of_a_group(6, 777)),
        as(member, open("a", O_RDWR)), as(kAlice, fails(EACCES, open("a", O_RDONLY)))}},
      {"the mask is the group's part of the mode",
       {file("a", "", 0600), setxattr("a", kAccess, list(6, 4, 6)), mode("a", 0660),
        chmod("a", 0640), as(kAlice, fails(EACCES, open("a", O_WRONLY))),
        as(kAlice, open("a", O_RDONLY)), attribute("a", kAccess, list(6, 4, 4))}},
      {"a list is removed and the mode is left",
       {file("a", "text", 0600), setxattr("a", kAccess, list(6, 4, 6)), removexattr("a", kAccess),
        as(kAlice, fails(EACCES, open("a", O_RDONLY))), fails(ENODATA, getxattr("a", kAccess))}},
      {"a list that says no more than the mode is none",
       {file("a", "", 0600),
        setxattr("a", kAccess, acl({{ACL_USER_OBJ, 6}, {ACL_GROUP_OBJ, 4}, {ACL_OTHER, 4}})),
        mode("a", 0644), fails(ENODATA, getxattr("a", kAccess))}},
      {"the owner sets a list and others do not",
       {file("a"), owned_by(kBob, "a"), as(kBob, setxattr("a", kAccess, list(6, 4, 6))),
        as(kAlice, fails(EPERM, setxattr("a", kAccess, list(6, 6, 6)))),
        as(kAlice, fails(EPERM, removexattr("a", kAccess)))}},
      {"a list without its parts is EINVAL",
       {file("a"), fails(EINVAL, setxattr("a", kAccess, acl({{ACL_USER_OBJ, 6}}))),
        fails(EINVAL, setxattr("a", kAccess, "bad"))}},
      {"a list counts in access",
       {file("a", "", 0600), setxattr("a", kAccess, list(4, 0, 4)), as(kAlice, access("a", R_OK)),
        as(kAlice, fails(EACCES, access("a", W_OK)))}},
      {"a list of a directory counts for what is in it",
       {directory("d", 0700), file("d/a", "text", 0644),
        as(kAlice, fails(EACCES, open("d/a", O_RDONLY))), setxattr("d", kAccess, walkable(7, 7)),
        as(kAlice, open("d/a", O_RDONLY)), as(kAlice, creat("d/b")),
        as(kBob, fails(EACCES, creat("d/c")))}},
      {"a list changes ctime only",
       {file("a"), touches(kCtime, "a", setxattr("a", kAccess, list(4, 4, 4)))}},
      {"a list goes with the file",
       {file("a", "text", 0600), setxattr("a", kAccess, list(4, 0, 4)), rename("a", "b"),
        attribute("b", kAccess, list(4, 0, 4)), as(kAlice, open("b", O_RDONLY))}},
      {"a file's list by a member who is not in its group takes the set-gid bit",
       {file("a", "", 0755), chown("a", static_cast<long>(kBob.uid), 777), chmod("a", 02755),
        as(kBob, setxattr("a", kAccess, list(6, 5, 7))), mode("a", 0670)}},
  };
}

Table defaults() {
  return {
      {"a new file has the list",
       {directory("d", 0777), setxattr("d", kDefault, walkable(6, 6)), creat("d/a"),
        mode("d/a", 0660), as(kAlice, open("d/a", O_RDWR)),
        as(kBob, fails(EACCES, open("d/a", O_RDONLY)))}},
      {"a file made after the list is gone has none",
       {directory("d", 0777), setxattr("d", kDefault, walkable(6, 6)), removexattr("d", kDefault),
        creat("d/a"), mode("d/a", 0644), fails(ENODATA, getxattr("d/a", kAccess))}},
      {"a new directory has it and gives it on",
       {directory("d", 0777), setxattr("d", kDefault, walkable(7, 7)), mkdir("d/e"),
        attribute("d/e", kDefault, walkable(7, 7)), attribute("d/e", kAccess, walkable(7, 5)),
        mkdir("d/e/f"), attribute("d/e/f", kDefault, walkable(7, 7))}},
      {"the umask does not count where there is a list",
       {directory("d", 0777), setxattr("d", kDefault, walkable(6, 6, 4)),
        with_umask(077, open("d/a", O_CREAT | O_WRONLY, 0666)), mode("d/a", 0664),
        with_umask(077, mkdir("d/e", 0777)), mode("d/e", 0764)}},
      {"the mode limits what the list gives",
       {directory("d", 0777), setxattr("d", kDefault, walkable(7, 7, 7)),
        open("d/a", O_CREAT | O_WRONLY, 0640), mode("d/a", 0640),
        as(kAlice, fails(EACCES, open("d/a", O_WRONLY)))}},
      {"a list without names takes the place of the umask",
       {directory("d", 0777),
        setxattr("d", kDefault, acl({{ACL_USER_OBJ, 7}, {ACL_GROUP_OBJ, 5}, {ACL_OTHER, 1}})),
        with_umask(0, open("d/a", O_CREAT | O_WRONLY, 0777)), mode("d/a", 0751),
        fails(ENODATA, getxattr("d/a", kAccess))}},
      {"a fifo has the list",
       {directory("d", 0777), setxattr("d", kDefault, walkable(6, 6)),
        with_umask(0, fifo("d/f", 0666)), mode("d/f", 0660)}},
      {"a symlink has none",
       {directory("d", 0777), setxattr("d", kDefault, walkable(6, 6)), symlink("x", "d/s"),
        mode("d/s", 0777)}},
      {"a file has no default list",
       {file("a"), fails(EACCES, setxattr("a", kDefault, list(6, 6, 6)))}},
      {"what is moved in or linked in keeps its own rights",
       {directory("d", 0777), setxattr("d", kDefault, walkable(7, 7)), file("a", "", 0600),
        rename("a", "d/a"), mode("d/a", 0600), fails(ENODATA, getxattr("d/a", kAccess))}},
      {"a default list does not count for the directory itself",
       {directory("d", 0700), setxattr("d", kDefault, walkable(7, 7)), mode("d", 0700),
        as(kAlice, fails(EACCES, creat("d/a")))}},
      {"a set-gid directory with a list gives both",
       {directory("d", 0777), chown("d", 0, 777), chmod("d", 02777),
        setxattr("d", kDefault, walkable(7, 7)), as(kAlice, mkdir("d/e")), mode("d/e", 02750),
        owner("d/e", kAlice.uid, 777)}},
      {"who uses a file is asked anew after the list was changed",
       {directory("d", 0777), file("d/a", "text", 0600), setxattr("d/a", kAccess, list(4, 0, 4)),
        as(kAlice, open("d/a", O_RDONLY)), setxattr("d/a", kAccess, list(0, 0, 4)),
        as(kAlice, fails(EACCES, open("d/a", O_RDONLY)))}},
  };
}

}  // namespace

Table acl_cases() {
  Table table = of_files();
  table += defaults();
  return table;
}

}  // namespace neffs::test::posix
