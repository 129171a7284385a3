#include "fs/push_batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <exception>
#include <iterator>
#include <map>
#include <memory>
#include <span>
#include <system_error>
#include <thread>
#include <utility>

#include <spdlog/spdlog.h>

#include "fs/cache_layout.h"
#include "fs/module_tracker.h"
#include "fs/push_limits.h"
#include "fs/remote_module.h"
#include "hub/file_body.h"

namespace neffs::fs {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr hours kToUpload{6};  // a transfer that stands still ends sooner
constexpr seconds kToCommit{150};
constexpr std::size_t kLanes = 4;
constexpr std::uint64_t kPartBytes = std::uint64_t{64} << 20;

hub::LfsObject object_of(const index::UploadFile& file) {
  return {hub::ContentId::parse(file.sha256).value_or(hub::ContentId()), file.snapshot.size};
}

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

PushBatch::PushBatch(const PushParts& parts, std::vector<index::Upload> uploads,
                     std::stop_token stop)
    : parts_(parts), stop_(std::move(stop)) {
  for (auto& upload : uploads) items_.push_back({std::move(upload), {}, {}, {}, {}, {}});
}

std::optional<PushResult> PushBatch::push() {
  look();
  plan();
  bring();
  look_again();
  return send();
}

void PushBatch::fail(const Item& item, const std::string& why) {
  spdlog::error("{} cannot be published: {}", item.upload.entry.path, why);
  parts_.index.fail_upload(item.upload.entry.generation, why, now_s());
}

// It comes again with other files when it is quiet.
void PushBatch::changed(const Item& item) {
  spdlog::debug("{} changed while it was published", item.upload.entry.path);
  parts_.index.drop_uploads(item.upload.entry.path);
  parts_.look_again(item.upload.entry.path);
}

// --- uploading ------------------------------------------------------------------------------------

std::vector<PushBatch::Items> PushBatch::take_parts() {
  std::vector<Items> parts;
  std::uint64_t bytes = kPartBytes;
  for (auto& item : items_) {
    if (bytes >= kPartBytes) {
      parts.emplace_back();
      bytes = 0;
    }
    bytes += item.upload.entry.bytes;
    parts.back().push_back(std::move(item));
  }
  items_.clear();
  return parts;
}

// In lanes: while one hashes or waits for the last answers of its part, the others keep the network busy.
void PushBatch::bring() {
  auto parts = take_parts();
  std::atomic<std::size_t> next{0};
  std::array<std::exception_ptr, kLanes> failures;
  const auto lane = [&](std::exception_ptr& failure) {
    try {
      for (auto i = next++; i < parts.size(); i = next++) {
        hash(parts[i]);
        judge(parts[i]);
        upload(parts[i]);
      }
    } catch (...) {
      failure = std::current_exception();
      next = parts.size();
    }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < failures.size(); ++i)
      others.emplace_back([&, i] { lane(failures[i]); });
    lane(failures[0]);
  }
  for (const auto& failure : failures)
    if (failure) std::rethrow_exception(failure);
  for (auto& part : parts) std::move(part.begin(), part.end(), std::back_inserter(items_));
}

hub::UploadRequest PushBatch::uploads_to_make(const Items& items) const {
  hub::UploadRequest request;
  struct Bytes {
    std::string path;
    std::optional<hub::Seal> seal;
  };
  std::map<std::string, Bytes> by_content;
  for (const auto& item : items)
    for (std::size_t i = 0; i < item.upload.files.size(); ++i) {
      const auto& file = item.upload.files[i];
      if (file.mode != index::UploadMode::kLfs || item.is_there[i]) continue;
      if (by_content.emplace(file.sha256, Bytes{bytes_of(file.path), item.seals[i]}).second)
        request.objects.push_back(object_of(file));
    }
  request.open = [&layer = parts_.layer, by_content](const hub::LfsObject& object) {
    const auto& [path, seal] = by_content.at(object.content.text());
    try {
      const auto fd = std::make_shared<const UniqueFd>(layer.open_to_look(path));
      return hub::OpenedFile{fd, fd->get(), seal};
    } catch (const std::system_error& error) {
      throw hub::HubError::local(path, error.code().value());
    }
  };
  return request;
}

void PushBatch::upload(Items& items) {
  const auto request = uploads_to_make(items);
  if (request.objects.empty()) return;
  const auto results = parts_.repo.upload(request, within(kToUpload, stop_));
  std::map<std::string, hub::HubError> failures;
  for (std::size_t i = 0; i < results.size(); ++i)
    if (results[i].error) failures.emplace(request.objects[i].content.text(), *results[i].error);
  std::erase_if(items, [&](const Item& item) {
    for (std::size_t i = 0; i < item.upload.files.size(); ++i) {
      const auto& file = item.upload.files[i];
      if (file.mode != index::UploadMode::kLfs || item.is_there[i]) continue;
      const auto failure = failures.find(file.sha256);
      if (failure == failures.end()) {
        parts_.index.note_uploaded(item.upload.entry.generation, file.path);
        continue;
      }
      const auto& error = failure->second;
      if (error.kind == hub::HubErrorKind::kLocal) {
        changed(item);
      } else if (error.kind == hub::HubErrorKind::kRefused) {
        fail(item, error.what());
      } else {
        const auto attempts = item.upload.entry.attempts;
        parts_.index.put_back(std::vector{item.upload.entry.generation},
                              now_s() + retry_after_s(attempts), error.what(), now_s());
      }
      return true;
    }
    return false;
  });
}

// --- the commit -----------------------------------------------------------------------------------

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
      if (item.is_there[i]) continue;
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
  PushResult result{head_, head_, false, superseded_, {}, {}};
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
