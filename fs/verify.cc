#include "fs/verify.h"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "fs/cache_layout.h"
#include "hub/file_body.h"

namespace neffs::fs {
namespace {

// A file whose bytes are known by their hash.
struct PromisedFile {
  index::LayerFile record;
  hub::ContentId content;
  std::uint64_t size = 0;
  std::optional<std::int64_t> mtime_ns;  // ours: when it was hashed
};

bool is_meant(const std::string& path, const std::string& asked) {
  if (is_at_or_below(path, asked)) return true;
  const auto at = locate(path);
  return !at.module.empty() && asked.find('/') == std::string::npos &&
         base_name(at.module) == asked;
}

std::optional<PromisedFile> promised_copy(const index::LayerFile& record) {
  const auto content = hub::ContentId::parse(record.content);
  if (record.placement != index::Placement::kPlaced || !content) return std::nullopt;
  return PromisedFile{record, *content, record.size, std::nullopt};
}

// What was hashed to be published. `upload`: of the unit that the file is in.
std::optional<PromisedFile> promised_output(const index::LayerFile& record,
                                            const std::optional<index::Upload>& upload) {
  if (!upload || !record.is_queued) return std::nullopt;
  for (const auto& file : upload->files) {
    if (file.path != record.path) continue;
    const auto content = hub::ContentId::parse(file.sha256.empty() ? file.content() : file.sha256);
    if (!content) return std::nullopt;
    return PromisedFile{record, *content, file.snapshot.size, file.snapshot.mtime_ns};
  }
  return std::nullopt;
}

std::vector<PromisedFile> promised_files(index::Index& index,
                                         const std::vector<std::string>& paths) {
  std::vector<PromisedFile> promised;
  std::string unit;
  std::optional<index::Upload> upload;
  for (const auto& record : index.layer_files_below("")) {
    if (std::none_of(paths.begin(), paths.end(),
                     [&](const auto& asked) { return is_meant(record.path, asked); }))
      continue;
    const bool is_copy = record.origin == index::Origin::kCopy;
    if (!is_copy && record.is_queued && unit != unit_of(record.path)) {
      unit = unit_of(record.path);
      upload = index.upload(unit);
    }
    auto file = is_copy ? promised_copy(record) : promised_output(record, upload);
    if (file) promised.push_back(*std::move(file));
  }
  return promised;
}

// "" if nothing is, or if it cannot be told.
std::string what_is_wrong(const Layer& layer, const PromisedFile& file,
                          const std::stop_token& stop) {
  const auto st = layer.stat(file.record.path);
  if (!st) return "";
  if (file.mtime_ns && *file.mtime_ns != mtime_ns(*st)) return "";  // its user has changed it
  if (!S_ISREG(st->st_mode)) return "it is no file";
  const auto size = static_cast<std::uint64_t>(st->st_size);
  if (size != file.size) return fmt::format("it has {} bytes instead of {}", size, file.size);
  try {
    const auto fd = layer.open_to_look(file.record.path);
    if (hub::holds_content(fd.get(), size, file.content, stop)) return "";
    return "its bytes are others than those of " + file.content.text();
  } catch (const std::system_error& error) {
    if (error.code().value() == ENOENT) return "";
    return "it cannot be read: " + error.code().message();
  }
}

}  // namespace

Verification verify_files(const Layer& layer, index::Index& index,
                          const std::vector<std::string>& paths,
                          const std::function<std::string(const index::LayerFile&)>& drop,
                          const std::function<void(const Verification&)>& tell,
                          const std::stop_token& stop) {
  Verification found;
  const auto files = promised_files(index, paths);
  for (const auto& file : files) found.all_bytes += file.size;
  for (const auto& asked : paths)
    if (!asked.empty() && std::none_of(files.begin(), files.end(), [&](const auto& file) {
          return is_meant(file.record.path, asked);
        }))
      found.unknown.push_back(asked);
  for (const auto& file : files) {
    tell(found);
    auto why = what_is_wrong(layer, file, stop);
    ++found.files;
    found.bytes += file.size;
    // Who writes to it, or has removed it, has changed the record first.
    if (why.empty() || index.layer_file(file.record.path) != file.record) continue;
    DamagedFile damaged{file.record, std::move(why), false, ""};
    if (drop && file.record.origin == index::Origin::kOurs)
      damaged.stays = "it was written here: there is no other one";
    else if (drop)
      damaged.stays = drop(file.record);
    damaged.is_removed = drop && damaged.stays.empty();
    found.damaged.push_back(std::move(damaged));
  }
  return found;
}

}  // namespace neffs::fs
