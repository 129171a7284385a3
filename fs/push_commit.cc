// The commit of a batch, and what became of one whose answer was lost.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <span>
#include <system_error>
#include <utility>

#include "fs/cache_layout.h"
#include "fs/module_tracker.h"
#include "fs/push_batch.h"
#include "fs/push_limits.h"
#include "fs/remote_module.h"
#include "fs/unix_time.h"
#include "hub/file_body.h"

namespace neffs::fs {
namespace {

constexpr std::chrono::seconds kToCommit{150};

std::string new_push_id() {
  return fmt::format("{:016x}", hub::random_number());
}

std::string summary_of(const index::Push& push) {
  if (push.uploads.size() == 1) return "Add " + push.uploads.front().path;
  return fmt::format("Add {} compiled modules", push.uploads.size());
}

std::string description_of(const index::Push& push) {
  std::string text;
  for (const auto& upload : push.uploads) text += upload.path + "\n";
  return text;
}

}  // namespace

hub::RegularFile PushBatch::read_regular(const index::UploadFile& file) const {
  const auto fd = parts_.layer.open_to_look(bytes_of(file.path));
  hub::RegularFile regular{file.path, hub::read_start(fd.get(), file.snapshot.size)};
  hub::ContentHasher hasher(hub::HashKind::kGitBlobSha1, regular.bytes.size());
  hasher.update(std::as_bytes(std::span(regular.bytes)));
  if (hasher.finish().text() != file.sha1)
    throw std::system_error(ESTALE, std::generic_category(), file.path);
  return regular;
}

hub::CommitRequest PushBatch::request_for(const index::Push& push) const {
  hub::CommitRequest request;
  request.parent = push.parent;
  request.summary = summary_of(push);
  request.description = description_of(push);
  for (const auto& item : items_) {
    for (std::size_t i = 0; i < item.upload.files.size(); ++i) {
      const auto& file = item.upload.files[i];
      if (item.files[i].is_there) continue;
      if (file.mode == index::UploadMode::kLfs)
        request.lfs_files.push_back({file.path, object_of(file)});
      else
        request.regular_files.push_back(read_regular(file));
    }
    for (const auto& path : item.leftovers) request.deleted_files.push_back(path);
  }
  return request;
}

// Since the repo was looked at, hours may have passed with uploads.
void PushBatch::check_private() const {
  if (parts_.only_private && !parts_.reader.info().is_private) throw public_now(parts_.target.repo);
}

std::optional<PushResult> PushBatch::send() {
  std::vector<std::int64_t> generations;
  for (const auto& item : items_) generations.push_back(item.upload.entry.generation);
  if (generations.empty() && superseded_ == 0) return std::nullopt;
  PushResult result{head_, head_, false, {}, {}};
  if (generations.empty()) return result;
  const auto push =
      parts_.index.begin_push(new_push_id(), parts_.target, head_, generations, now_s());
  std::erase_if(items_, [&](const Item& item) {
    return std::none_of(push.uploads.begin(), push.uploads.end(), [&](const auto& upload) {
      return upload.generation == item.upload.entry.generation;
    });
  });
  try {
    const auto request = request_for(push);
    const bool is_empty =
        request.lfs_files.empty() && request.regular_files.empty() && request.deleted_files.empty();
    if (!is_empty) {
      check_private();
      parts_.index.sync();
      result.commit = parts_.repo.commit(request, within(kToCommit, stop_));
      result.is_new = true;
    }
  } catch (const hub::HubError& error) {
    const bool may_be_made = error.kind == hub::HubErrorKind::kUnknownOutcome ||
                             error.kind == hub::HubErrorKind::kCancelled;
    if (!may_be_made) parts_.index.end_push(push.id);
    throw;
  } catch (...) {
    parts_.index.end_push(push.id);
    throw;
  }
  for (const auto& item : items_) {
    release_written(item);
    result.added.push_back(added(item));
  }
  parts_.head_is(result.parent, result.commit, result.added);
  result.outcome = parts_.index.finish_push(push.id, result.commit, parts_.source, now_s());
  return result;
}

// Nothing that was written while the commit was made may become a copy.
void PushBatch::release_written(const Item& item) {
  for (const auto& file : item.upload.files) {
    const auto bytes = bytes_of(file.path);
    const auto st = parts_.layer.stat(bytes);
    if (!st || snapshot_of(*st) != file.snapshot || parts_.is_written(bytes))
      parts_.index.mark_ours(file.path);
  }
}

RemoteView::Added PushBatch::added(const Item& item) {
  const auto& path = item.upload.entry.path;
  RemoteView::Added added{path, item.is_new, {}};
  if (!item.is_new || locate(path).place != Place::kModule) return added;
  for (const auto& file : item.upload.files) {
    index::TreeEntry entry;
    entry.path = file.path.substr(path.size() + 1);
    entry.size = file.snapshot.size;
    entry.content = file.content();
    added.files.push_back(std::move(entry));
  }
  return added;
}

hub::HubError public_now(const std::string& repo) {
  return {
      hub::HubErrorKind::kForbidden,
      repo +
          " is public now, and nothing is published to it (name it with push= if that is wanted)"};
}

bool find_out(const PushParts& parts, const index::Push& push) {
  const auto head = parts.reader.head();
  const bool is_made =
      head != push.parent &&
      std::all_of(push.uploads.begin(), push.uploads.end(), [&](const auto& upload) {
        return has_files(parts.reader, head, upload, std::chrono::steady_clock::now() + kToAsk);
      });
  if (is_made) {
    parts.head_is("", head, {});  // others may have made commits since: all of it is asked for anew
    parts.index.finish_push(push.id, head, parts.source, now_s());
  } else {
    parts.index.end_push(push.id);
  }
  return is_made;
}

}  // namespace neffs::fs
