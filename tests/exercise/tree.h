// What is in a tree of files, as text that can be compared.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <string>

namespace neffs::test {

// What both sides must agree upon: type, mode, owner, links, size, a time that somebody has set.
// Not: st_dev, st_ino, st_blocks; the access time, which the kernel does not keep for cached reads;
// the time of fifos, which are written in the kernel without FUSE; the size of directories, which is
// the disk's business.
std::string description(const struct stat& st);

// Names and values of the user's attributes, sorted; the path is not followed.
std::string attributes_of(const std::string& path);

// Every path below `root` but the names of neffs and of its source: description, bytes or
// target, attributes, and which path is another name of the same file. `root` in a target becomes
// '@'. Whoever calls must be allowed to read everything.
std::map<std::string, std::string> tree_of(const std::filesystem::path& root);

// The first few lines in which two trees differ; "" if they are alike.
std::string difference(const std::map<std::string, std::string>& one,
                       const std::map<std::string, std::string>& other);

// A path's text with `root` at its beginning replaced by '@'.
std::string with_root_named(const std::string& text, const std::string& root);

}  // namespace neffs::test
