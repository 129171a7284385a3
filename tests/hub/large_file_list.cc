#include "tests/hub/large_file_list.h"

#include <fstream>
#include <utility>

namespace neffs::test {

LargeFileList::LargeFileList(std::optional<std::filesystem::path> file) : file_(std::move(file)) {
  if (!file_) return;
  std::ifstream in(*file_);
  for (LfsPointer pointer; in >> pointer.oid >> pointer.size;) {
    pointers_.emplace(pointer.oid, pointer);
  }
}

void LargeFileList::add(const LfsPointer& pointer) {
  const bool is_new = pointers_.emplace(pointer.oid, pointer).second;
  if (!is_new || !file_) return;
  std::ofstream(*file_, std::ios::app) << pointer.oid << ' ' << pointer.size << '\n';
}

std::optional<LfsPointer> LargeFileList::find(const std::string& oid) const {
  const auto found = pointers_.find(oid);
  return found == pointers_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace neffs::test
