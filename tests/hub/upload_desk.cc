#include "tests/hub/upload_desk.h"

#include <algorithm>

#include "tests/hub/digest.h"

namespace neffs::test {
namespace {

std::string etag_of(const Content& bytes) {
  Digest digest(DigestKind::kMd5);
  for_each_piece(bytes, [&](std::string_view piece) {
    digest.update(piece);
    return true;
  });
  return '"' + digest.hex() + '"';
}

}  // namespace

std::uint64_t PartedUpload::size_of(std::uint64_t number) const {
  return std::min(part_size, pointer.size - (number - 1) * part_size);
}

std::string UploadDesk::open(PartedUpload upload) {
  const std::scoped_lock lock(mutex_);
  std::string id = digest_hex(DigestKind::kMd5, "upload " + std::to_string(++last_id_));
  open_[id] = Open{std::move(upload), {}};
  return id;
}

std::optional<PartedUpload> UploadDesk::find(const std::string& id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = open_.find(id);
  return found == open_.end() ? std::nullopt : std::optional(found->second.upload);
}

std::string UploadDesk::put_part(const std::string& id, std::uint64_t number, ContentPtr bytes) {
  std::string etag = etag_of(*bytes);
  const std::scoped_lock lock(mutex_);
  const auto found = open_.find(id);
  if (found != open_.end()) found->second.parts[number] = {etag, std::move(bytes)};
  return etag;
}

ContentPtr UploadDesk::assemble(const std::string& id, const PartList& parts) const {
  const std::scoped_lock lock(mutex_);
  const auto found = open_.find(id);
  if (found == open_.end() || parts.size() != found->second.upload.part_count()) return nullptr;
  std::vector<ContentPtr> pieces;
  for (const auto& [number, etag] : parts) {
    const auto part = found->second.parts.find(number);
    const bool fits = number == pieces.size() + 1 && part != found->second.parts.end() &&
                      part->second.etag == etag;
    if (!fits) return nullptr;
    pieces.push_back(part->second.bytes);
  }
  return joined_content(std::move(pieces));
}

void UploadDesk::close(const std::string& id) {
  const std::scoped_lock lock(mutex_);
  open_.erase(id);
}

}  // namespace neffs::test
