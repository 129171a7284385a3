// The files of a batch as they are here: the ones that were queued, and what they are called.

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "fs/durable.h"
#include "fs/module_tracker.h"
#include "fs/push_batch.h"
#include "fs/push_limits.h"
#include "hub/file_body.h"

namespace neffs::fs {
namespace {

// Of the exception that is being handled: returns false if it says that a file is not the one that was
// queued, and throws it again if it says anything else.
bool tell_change() {
  try {
    throw;
  } catch (const std::system_error& error) {
    if (error.code().value() == EIO) throw;
  } catch (const hub::HubError& error) {
    if (error.kind != hub::HubErrorKind::kLocal || error.local_errno == EIO) throw;
  }
  return false;
}

}  // namespace

std::string PushBatch::bytes_of(const std::string& path) const {
  return find_bytes(parts_.layer, path, parts_.mountpoint).value_or(path);
}

void PushBatch::look() {
  std::erase_if(items_, [this](Item& item) {
    if (look(item)) return false;
    changed(item);
    return true;
  });
}

// False if a file is not the one that was queued.
bool PushBatch::look(Item& item) try {
  for (const auto& file : item.upload.files) {
    const auto fd = parts_.layer.open_to_look(bytes_of(file.path));
    if (snapshot_of(stat_of(fd.get())) != file.snapshot) return false;
    const auto size = std::min<std::uint64_t>(file.snapshot.size, hub::kSampleBytes);
    item.files.emplace_back().sample = hub::read_start(fd.get(), size);
  }
  return true;
} catch (...) {
  return tell_change();
}

void PushBatch::hash(Items& items) {
  std::erase_if(items, [this](Item& item) {
    if (hash(item)) return false;
    changed(item);
    return true;
  });
}

bool PushBatch::hash(Item& item) try {
  for (std::size_t i = 0; i < item.upload.files.size(); ++i) {
    if (stop_.stop_requested())
      throw hub::HubError(hub::HubErrorKind::kCancelled, "the upload was given up");
    if (item.upload.files[i].content().empty() && !hash(item, i)) return false;
  }
  return true;
} catch (...) {
  return tell_change();
}

// The target stores it in one of two ways, and knows it by one of two names.
bool PushBatch::hash(Item& item, std::size_t number) {
  auto& file = item.upload.files[number];
  const bool is_lfs = file.mode == index::UploadMode::kLfs;
  const auto kind = is_lfs ? hub::HashKind::kSha256 : hub::HashKind::kGitBlobSha1;
  const auto fd = parts_.layer.open_to_look(bytes_of(file.path));
  sync_bytes(fd.get());  // what is sent is what the next life finds here, power cut or not
  const auto [content, seal] = hub::seal_file(fd.get(), file.snapshot.size, kind, stop_);
  if (snapshot_of(stat_of(fd.get())) != file.snapshot) return false;
  (is_lfs ? file.sha256 : file.sha1) = content.text();
  item.files[number].seal = seal;
  return parts_.index.note_hashes(item.upload.entry.generation, file.path, file.sha256, file.sha1);
}

// Stores through a mapping show in nothing but the times, and in who may still make them.
bool PushBatch::is_unchanged(const Item& item) const {
  return std::all_of(item.upload.files.begin(), item.upload.files.end(), [&](const auto& file) {
    const auto bytes = bytes_of(file.path);
    const auto st = parts_.layer.stat(bytes);
    return st && snapshot_of(*st) == file.snapshot && !parts_.is_written(bytes);
  });
}

void PushBatch::look_again() {
  std::erase_if(items_, [this](const Item& item) {
    if (is_unchanged(item)) return false;
    changed(item);
    return true;
  });
}

}  // namespace neffs::fs
