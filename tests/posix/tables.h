// The rules of POSIX and of Linux for files, one row a rule.
//
// A row holds in a directory of ext4; that each of them does is a test of its own, so a row that
// fails on the mount alone is a fault of the mount.
#pragma once

#include <string>
#include <vector>

#include "tests/posix/step.h"

namespace neffs::test::posix {

struct Case {
  std::string title;  // what holds, in words
  Steps steps;        // in a fresh directory, 0755, root's; as root, umask 0022
};

using Table = std::vector<Case>;

Table path_cases();   // what every call says to a bad path
Table fault_cases();  // … and to a bad pointer
Table open_cases();
Table write_cases();  // read, write, lseek, fsync
Table truncate_cases();
Table space_cases();      // holes, fallocate, copy_file_range
Table directory_cases();  // mkdir, rmdir
Table unlink_cases();
Table rename_cases();
Table link_cases();
Table symlink_cases();
Table node_cases();        // mknod, mkfifo, sockets
Table mode_cases();        // chmod, umask, set-id bits
Table owner_cases();       // chown
Table time_cases();        // utimensat, and what each call does to mtime and ctime
Table permission_cases();  // rights of users and groups
Table sticky_cases();
Table xattr_cases();
Table acl_cases();
Table lock_cases();
Table mapping_cases();
Table listing_cases();
Table attribute_cases();  // stat, statfs, access

}  // namespace neffs::test::posix
