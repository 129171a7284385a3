#include "tests/hub/lfs_store.h"

#include <fstream>
#include <stdexcept>

namespace neffs::test {
namespace {

constexpr std::string_view kPointerStart =
    "version https://git-lfs.github.com/spec/v1\noid sha256:";
constexpr std::string_view kPointerSize = "\nsize ";
constexpr std::size_t kOidLength = 64;

// Under its name only when it is whole: the same file may come from two clients at once.
void write_whole(const Content& content, const std::filesystem::path& path, std::uint64_t number) {
  std::filesystem::create_directories(path.parent_path());
  const std::filesystem::path partial = path.string() + "." + std::to_string(number);
  std::ofstream out(partial, std::ios::binary);
  for_each_piece(content, [&](std::string_view piece) {
    return static_cast<bool>(out.write(piece.data(), static_cast<std::streamsize>(piece.size())));
  });
  if (!out.flush()) throw std::runtime_error("cannot write " + partial.string());
  std::filesystem::rename(partial, path);
}

}  // namespace

std::string pointer_text(const LfsPointer& pointer) {
  return std::string(kPointerStart) + pointer.oid + std::string(kPointerSize) +
         std::to_string(pointer.size) + "\n";
}

std::optional<LfsPointer> parse_pointer(std::string_view text) {
  if (!text.starts_with(kPointerStart)) return std::nullopt;
  text.remove_prefix(kPointerStart.size());
  LfsPointer pointer{std::string(text.substr(0, kOidLength)), 0};
  text.remove_prefix(pointer.oid.size());
  if (pointer.oid.size() != kOidLength || !text.starts_with(kPointerSize)) return std::nullopt;
  pointer.size = std::stoull(std::string(text.substr(kPointerSize.size())));
  return pointer;
}

LfsPointer LfsStore::put(const ContentPtr& content) {
  LfsPointer pointer{sha256_hex(*content), content->size()};
  ContentPtr kept = content;
  if (dir_) {
    const std::filesystem::path path = path_of(pointer.oid);
    if (!std::filesystem::exists(path)) write_whole(*content, path, ++last_write_);
    kept = file_content(path);
  }
  const std::scoped_lock lock(mutex_);
  contents_.emplace(pointer.oid, std::move(kept));
  return pointer;
}

ContentPtr LfsStore::get(const std::string& oid) const {
  const std::scoped_lock lock(mutex_);
  const auto found = contents_.find(oid);
  if (found != contents_.end()) return found->second;
  if (!dir_ || oid.size() != kOidLength || !std::filesystem::exists(path_of(oid))) return nullptr;
  return contents_.emplace(oid, file_content(path_of(oid))).first->second;
}

std::filesystem::path LfsStore::path_of(const std::string& oid) const {
  return *dir_ / oid.substr(0, 2) / oid;
}

}  // namespace neffs::test
