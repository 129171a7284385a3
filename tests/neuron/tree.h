// What a directory holds, in a form that can be compared.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace neffs::test {

enum class Owners { kCompared, kLeftOut };

// From each name below `root` ("." for itself) to its kind, mode, owner, and what is in it: size,
// links and digest of a file, target of a symlink with `root` written as "{cache}". Inode numbers and
// times are the file system's own. Absent: one entry that says so.
using FileTree = std::map<std::string, std::string>;
FileTree tree_of(const std::filesystem::path& root, const std::string& below = "",
                 Owners owners = Owners::kCompared);
// The entries that only one of them has, a line each: "- …" of the first, "+ …" of the second.
std::string differences(const FileTree& first, const FileTree& second);

}  // namespace neffs::test
