// What a case looks at after its calls. All of them look at the name itself, not through a symlink.
#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

#include "tests/posix/step.h"

namespace neffs::test::posix {

Step absent(const std::string& name);
// S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO, S_IFSOCK, S_IFCHR or S_IFBLK.
Step kind(const std::string& name, unsigned type);
Step mode(const std::string& name, unsigned bits);  // all of 07777
Step owner(const std::string& name, unsigned uid, unsigned gid);
Step links(const std::string& name, unsigned count);
Step size(const std::string& name, long bytes);
Step device(const std::string& name, dev_t number);
Step times(const std::string& name, long atime, long mtime);  // in seconds
Step mtime_ns(const std::string& name, long nanoseconds);
Step recent(const std::string& name);  // mtime is of the last minute
// One inode.
Step same(const std::string& name, const std::string& other);
Step same_as_held(const std::string& name, const std::string& handle);
Step different(const std::string& name, const std::string& other);

Step content(const std::string& name, const std::string& text);
Step held_content(const std::string& handle, const std::string& text);  // from offset 0
Step held_links(const std::string& handle, unsigned count);
Step held_size(const std::string& handle, long bytes);
Step held_mode(const std::string& handle, unsigned bits);
Step held_attribute(const std::string& handle, const std::string& attribute,
                    const std::string& value);
Step offset(const std::string& handle, long bytes);
Step target(const std::string& name, const std::string& text);
Step attribute(const std::string& name, const std::string& attribute, const std::string& value);
Step attributes(const std::string& name, const std::vector<std::string>& user_attributes);
// "." and ".." not counted.
Step names(const std::string& directory, const std::vector<std::string>& sorted);
Step mapped(std::size_t offset, const std::string& text);

}  // namespace neffs::test::posix
