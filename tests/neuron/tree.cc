#include "tests/neuron/tree.h"

#include <sys/stat.h>

#include <sstream>

#include "tests/hub/digest.h"
#include "tests/mount/files.h"
#include "tests/neuron/transcript.h"

namespace neffs::test {
namespace {

namespace stdfs = std::filesystem;

std::string target_of(const stdfs::path& link, const std::string& root) {
  std::string target = stdfs::read_symlink(link).string();
  if (target.starts_with(root)) target.replace(0, root.size(), "{cache}");
  return target;
}

std::string describe(const stdfs::path& path, const std::string& root, Owners owners) {
  struct stat st {};
  if (const int error = error_of(::lstat(path.c_str(), &st))) return name_of_error(error);
  std::ostringstream text;
  text << std::oct << st.st_mode << std::dec;
  if (owners == Owners::kCompared) text << ' ' << st.st_uid << ':' << st.st_gid;
  if (S_ISLNK(st.st_mode)) text << " -> " << target_of(path, root);
  if (!S_ISREG(st.st_mode)) return text.str();
  const Bytes bytes = read_file(path);
  text << ' ' << st.st_nlink << " links " << st.st_size << " bytes " << name_of_error(bytes.error)
       << ' ' << digest_hex(DigestKind::kSha256, bytes.text);
  return text.str();
}

std::string lines_only_in(const FileTree& tree, const FileTree& other, const char* mark) {
  std::string text;
  for (const auto& [name, what] : tree) {
    const auto found = other.find(name);
    if (found != other.end() && found->second == what) continue;
    text.append(mark).append(name).append(" ").append(what).append("\n");
  }
  return text;
}

}  // namespace

std::string differences(const FileTree& first, const FileTree& second) {
  return lines_only_in(first, second, "- ") + lines_only_in(second, first, "+ ");
}

FileTree tree_of(const stdfs::path& root, const std::string& below, Owners owners) {
  const stdfs::path top = below.empty() ? root : root / below;
  FileTree tree{{".", describe(top, root.string(), owners)}};
  if (!stdfs::is_directory(top)) return tree;
  for (const auto& entry : stdfs::recursive_directory_iterator(top))
    tree[entry.path().lexically_relative(top).string()] =
        describe(entry.path(), root.string(), owners);
  return tree;
}

}  // namespace neffs::test
